"""Stems turn input columns into tokens [B, T, D]; one file per modality."""
