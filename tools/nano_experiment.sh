#!/usr/bin/env bash
# What each stage of `nano` is worth: trainings with seeds of their own, five models of each, on 220 drawn tasks that none
# has seen, two families of which none has seen anything.
#
#   tools/nano_experiment.sh 1 2     train and evaluate with these seeds (three hours of one core for each), then the table
#   tools/nano_experiment.sh         only the table, of all evaluations that are kept
#
# Goes on where it stopped. The first seed stands on what `make nano` left in runs/nano. What is kept are the numbers of
# every answer, in docs/nano.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
kept=docs/nano
train() { mdevalbench train "$1" --config nano --set seed="$2" --output "$3" "${@:4}"; }
evaluate() { # way, seed, folder of the model
    mdevalbench eval --model mdevalbench/nano -M path="$3" --suite codegen-train --seed 2027 --limit 220 \
        --max-connections 44 --log-dir "runs/nano-logs/$1-$2" --json >"runs/nano-logs/$1-$2.json"
    sed "s#$PWD/##" "runs/nano-logs/$1-$2.json" | python -m json.tool --compact - "$kept/$1-$2.json"
}
mkdir -p $kept runs/nano-logs
[ $# = 0 ] || mdevalbench tasks draw --seed 2027 -n 220 >/dev/null # reference values
for seed in "$@"; do
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
done
ways=()
add() { # label, way: every seed of it that is kept
    local files=("$kept/$2"-*.json)
    [ ! -e "${files[0]}" ] || ways+=("$1=$(IFS=, && echo "${files[*]}")")
}
add SFT sft # each is compared with the first, from which all but CPT began
add CPT cpt
add MD-GRPO plain
add "MD-GRPO, recycling" recycled
add "MD-GRPO, recycling, the paper's reward" paper
mdevalbench compare "${ways[@]}" --apart thermal_expansion --apart vacancy_formation_energy
