"""Evidence that may be read at any time: drift judged over a stream's whole life, at one error budget.

scores.py bets against the model's scores staying as they were on reference rows, risk.py against the share
of wrong answers staying as it was. Both carry a small `Evidence` from window to window.
"""
