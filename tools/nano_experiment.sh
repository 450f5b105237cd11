#!/usr/bin/env bash
# What each stage of `nano` is worth: two trainings with seeds of their own, five models of each, on 220 drawn tasks that
# none has seen, two families of which none has seen anything. Goes on where it stopped; the table is printed at its end.
# The first seed stands on what `make nano` left in runs/nano.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
train() { mdevalbench train "$1" --config nano --set seed="$2" --output "$3" "${@:4}"; }
logs() { printf 'runs/nano-logs/%s' "$1"; }
evaluate() { # label, seed, folder of the model
    [ -s "$(logs "$1-$2")/done" ] && return
    mdevalbench eval --model mdevalbench/nano -M path="$3" --suite codegen-train --seed 2027 --limit 220 \
        --max-connections 44 --log-dir "$(logs "$1-$2")"
    find "$(logs "$1-$2")" -name '*.eval' >"$(logs "$1-$2")/done"
}
mdevalbench tasks draw --seed 2027 -n 220 >/dev/null # reference values
declare -A ways=()
for seed in 1 2; do
    run=runs/nano
    [ "$seed" = 1 ] || run=runs/nano-$seed
    train cpt "$seed" "$run"
    train sft "$seed" "$run"
    train grpo "$seed" "$run"
    train grpo "$seed" "$run-plain" --model "$run/sft/model" --set grpo.recycling.share=0
    train grpo "$seed" "$run-paper" --model "$run/sft/model" --set grpo.reward=paper
    evaluate cpt "$seed" "$run/cpt/model"
    evaluate sft "$seed" "$run/sft/model"
    evaluate plain "$seed" "$run-plain/grpo/model"
    evaluate recycled "$seed" "$run/grpo/model"
    evaluate paper "$seed" "$run-paper/grpo/model"
    for way in cpt sft plain recycled paper; do
        ways[$way]+=${ways[$way]:+,}$(cat "$(logs "$way-$seed")/done")
    done
done
# each against the model after SFT, from which all but CPT began
mdevalbench compare "SFT=${ways[sft]}" "CPT=${ways[cpt]}" "MD-GRPO=${ways[plain]}" \
    "MD-GRPO, recycling=${ways[recycled]}" "MD-GRPO, recycling, paper's reward=${ways[paper]}" \
    --apart thermal_expansion --apart vacancy_formation_energy
