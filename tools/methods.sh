#!/usr/bin/env bash
# Ways of answering side by side, with equal numbers of calls of the model: three answers of which any may be right, the
# older agent's plan, script and review, and at most three rounds of the workflow; with tools, at most 15 answers.
# Built-in models, 60 tasks. Goes on where it stopped, and prints the tables of docs/methods.md at its end.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
logs=runs/methods
evaluate() { # model, way, further options
    local folder="$logs/$1-$2"
    if [ ! -s "$folder/done" ]; then
        mdevalbench eval --model "mdevalbench/$1" --suite codegen-v1 --solver "$2" --log-dir "$folder" "${@:3}" >&2
        find "$folder" -name '*.eval' >"$folder/done"
    fi
    printf '%s=%s' "$2" "$(cat "$folder/done")"
}
table() { # model and ways
    printf '## mdevalbench/%s\n\n' "$1"
    mdevalbench compare "${@:2}"
    printf '\n'
}
for model in apprentice template; do
    ways=("$(evaluate "$model" direct --epochs 3)" "$(evaluate "$model" mdagent1)" "$(evaluate "$model" mdagent --rounds 3)")
    if [ "$model" = apprentice ]; then # the only one that can call tools
        ways+=("$(evaluate "$model" mdagent_tools)")
    fi
    table "$model" "${ways[@]}"
done
# a model this small can neither plan nor review
table nano "$(evaluate nano direct --epochs 3)" "$(evaluate nano mdagent --rounds 3)"
