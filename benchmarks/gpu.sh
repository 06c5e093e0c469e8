#!/usr/bin/env bash
# Every check that needs a GPU, in under 10 minutes, on a machine with one NVIDIA GPU and no network.
# usage: bash benchmarks/gpu.sh FOLDER     (PYTHON names an interpreter that has bpnet, CuPy and PyTorch)
# FOLDER gets log.txt with all that was printed, the JSON files of the parts, targets.md, and summary.txt.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: bash benchmarks/gpu.sh FOLDER}
if ! timeout 10 nvidia-smi -L >/dev/null 2>&1; then
    echo "no NVIDIA GPU is here (nvidia-smi -L fails): nothing was run"
    exit 1
fi
mkdir -p "$out"
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
part=$(mktemp)
trap 'rm -f "$part"' EXIT
export PYTHONUNBUFFERED=1 MPLBACKEND=Agg
telling='^=+ .*(passed|failed|error|skipped|no tests ran).* =+$|^worst of |are within their limits|NOT within|  MISS$|did not run'
failed=0

run() { # name, time limit in seconds, command; 5 seconds after an interrupt it is killed
    local name=$1 limit=$2 status start=$SECONDS
    shift 2
    echo "== $name: $*" | tee -a "$out/log.txt"
    timeout --signal=INT --kill-after=5 "$limit" "$@" 2>&1 | tee -a "$out/log.txt" >"$part"
    status=${PIPESTATUS[0]}
    case $status in
        0) status=ok ;;
        124 | 137) status="FAILED: over its $limit s" failed=1 ;;
        *) status="FAILED: exit status $status" failed=1 ;;
    esac
    tail -n 3 "$part" | cut -c 1-300
    { echo "$name: $status, $((SECONDS - start)) s"; grep -E "$telling" "$part" | cut -c 1-200 | sed 's/^/    /'; } \
        >>"$out/summary.txt"
}

rm -f "$out/summary.txt" "$out/log.txt"
{ git rev-parse HEAD 2>/dev/null || echo "commit unknown"; date -u; nvidia-smi; } >"$out/log.txt" 2>&1
workers=$("$python" -c "import xdist" 2>/dev/null && echo "-n 8")

run doctor 25 "$python" -m bpnet doctor --markdown
run parity 90 "$python" -m pytest tests/parity --parity-table -m gpu -p no:cacheprovider $workers
run gpu-tests 70 "$python" -m pytest -m gpu --ignore=tests/parity -p no:cacheprovider $workers
run whole-runs 62 "$python" -m bpnet_benchmarks.whole_runs --out "$out/whole-runs.json"
run microbenchmarks 72 "$python" -m bpnet_benchmarks.microbenchmarks --out "$out/microbenchmarks.json"
run ensembles 45 "$python" -m bpnet_benchmarks.ensembles --backend cupy --backend torch:cuda --models 1000 \
    --at-once 1000 --epochs 20 --rounds 1 --out "$out/ensembles.json"
run side-by-side 140 "$python" -m bpnet_benchmarks.sweep --limit 118 --out "$out/side-by-side.json" \
    --microbenchmarks "$out/microbenchmarks.json"
run targets 10 "$python" -m bpnet_benchmarks.targets "$out" --markdown
grep -E '^(#|\||-)' "$part" >"$out/targets.md"

echo
echo "== summary"
cat "$out/summary.txt"
cut -c 1-300 "$out/targets.md"
exit "$failed"
