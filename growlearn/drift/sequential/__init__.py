"""Anytime-valid sequential tests: drift judged over a stream's lifetime, with one alpha budget.

conformal_martingale.py bets against the model's scores being distributed as on the reference rows, risk.py
against the error rate being that of the reference. Both update a small `EProcess` window by window.
"""
