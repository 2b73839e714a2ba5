"""What a GGUF file says about itself, read within limits: `header` is the way in. No weight is looked at."""
