#!/usr/bin/env bash
# Ways of answering side by side, with equal numbers of calls of the model: three answers of which any may be right, the
# older agent's plan, script and review, and at most three rounds of the workflow; with tools, as many calls as it takes.
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
for model in apprentice template nano; do
    ways=("$(evaluate "$model" direct --epochs 3)" "$(evaluate "$model" mdagent1)" "$(evaluate "$model" mdagent --rounds 3)")
    if [ "$model" = apprentice ]; then # the only one of them that can call tools
        ways+=("$(evaluate "$model" mdagent_tools)")
    fi
    printf '## mdevalbench/%s\n\n' "$model"
    mdevalbench compare "${ways[@]}"
    printf '\n'
done
