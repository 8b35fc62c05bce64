"""The network: stems, residual branches, heads and the router, as everything else loads them."""
