"""`python -m _ext [NAME ...]`, in the folder docs: write what is generated in all documents, or in those named."""

import sys

from .generated import current, documents

for document in documents():
    if not sys.argv[1:] or document.stem in sys.argv[1:]:
        text = current(document)
        if not document.exists() or document.read_text(encoding="utf-8") != text:
            document.write_text(text, encoding="utf-8")
            print(f"wrote {document}")
