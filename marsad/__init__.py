"""Marsad (مرصد): watch Arabic news. This package is the kernel: records, rules and ports, no I/O."""

__version__ = "0.1.0"
__all__ = ["__version__"]
