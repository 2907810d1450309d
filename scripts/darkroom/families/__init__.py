"""Model families: one file each, with everything that differs between them and nothing else.

Every family has the same functions and constants; what several share lies in modules of its own beside them.
"""
