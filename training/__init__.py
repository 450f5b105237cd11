"""Training: recipes, what a model is shown, and the stages CPT, SFT and MD-GRPO on TRL.

A walk: `recipe` is read; `run` is the folder of a stage; `corpus` draws tasks and restyles their right scripts
(`styles`); `models` opens the model or makes one; `stages` hands it all to TRL. In MD-GRPO `dealing` decides which
prompt a group of completions gets, `rewarding` has them judged, `diagnosis` and `rewriting` turn a failure into a new
prompt, and `rollouts` keeps everything that happened.
"""
