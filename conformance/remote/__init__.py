"""Implementations in any language: processes that answer lines of JSON."""
