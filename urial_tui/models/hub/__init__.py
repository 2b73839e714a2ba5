"""Models on the Hugging Face Hub: search, the files of a repository, downloads that resume, starting points.

The only package that imports `huggingface_hub`. Nothing here is imported before the hub is asked for.
"""
