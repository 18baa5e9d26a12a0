"""The log, shown. Of the three folds, this one decides nothing and checks little.

Everything here can be dropped and built again from the log.
"""
