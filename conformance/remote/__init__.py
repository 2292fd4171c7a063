"""Implementations in any language: processes that are spoken to in lines of JSON."""
