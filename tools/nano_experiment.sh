#!/usr/bin/env bash
# What each stage of `nano` is worth: trainings with seeds of their own, five models of each, on 220 drawn tasks that none
# has seen, two families of which none has seen anything.
#
#   tools/nano_experiment.sh 1 2     train and evaluate with these seeds (three hours of one core for each), then the table
#   tools/nano_experiment.sh         only the table, of the seeds of which all five are kept
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
whole=() # seeds of which every way is kept: others would enter some means and not others
for seed in $(ls $kept | sed -n 's/^sft-\(.*\)\.json$/\1/p'); do
    if [ "$(ls $kept/{cpt,sft,plain,recycled,paper}-"$seed".json 2>/dev/null | wc -l)" = 5 ]; then whole+=("$seed"); fi
done
of() { # label, way
    local files=("${whole[@]/#/$kept/$2-}")
    echo "$1=$(IFS=, && echo "${files[*]/%/.json}")"
}
[ ${#whole[@]} != 0 ] || { echo "$kept holds no seed of which all five models are evaluated" >&2 && exit 1; }
mdevalbench compare "$(of SFT sft)" "$(of CPT cpt)" "$(of MD-GRPO plain)" "$(of "MD-GRPO, recycling" recycled)" \
    "$(of "MD-GRPO, recycling, the paper's reward" paper)" --apart thermal_expansion --apart vacancy_formation_energy
