"""MossFormer2 for speech: its network, shared by the models that are published of it (`block`, `masks`).

Source: S. Zhao et al., "MossFormer2", 2024, https://arxiv.org/abs/2312.11825,
https://github.com/modelscope/ClearerVoice-Studio. Licence of code: Apache-2.0.
"""
