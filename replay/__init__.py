"""The log again, re-checked: rebuild, as of a tree size, audit.

Of the three folds, this one trusts nothing that was written down by the first: it
reads the log from its beginning, applies the rule again, and compares.
"""
