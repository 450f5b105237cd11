"""Training: the room for data pipelines, continued pre-training, SFT and MD-GRPO. Nothing stands here yet."""
