"""Code that all Qwen-VL backbones share: encoded sequences, mRoPE positions, pixel patches, weights."""
