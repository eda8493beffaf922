"""Torch lives here, in `training.methods` and in `training.artifact`, nowhere else."""
