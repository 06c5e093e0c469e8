#!/usr/bin/env bash
# Every check that needs a GPU, in under 10 minutes, on a machine with one NVIDIA GPU and no network.
# usage: bash benchmarks/gpu.sh FOLDER     (PYTHON names an interpreter that has bpnet, CuPy and PyTorch)
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: bash benchmarks/gpu.sh FOLDER}
mkdir -p "$out"
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONUNBUFFERED=1 MPLBACKEND=Agg
failed=0

run() { # name, time limit in seconds, command
    local name=$1 limit=$2
    shift 2
    echo "== $name: $*"
    timeout "$limit" "$@" >"$out/$name.txt" 2>&1 || { echo "   FAILED ($?)"; failed=1; }
    tail -n 4 "$out/$name.txt"
}

{ git rev-parse HEAD 2>/dev/null || echo "commit unknown"; date -u; nvidia-smi; } >"$out/machine.txt" 2>&1
run doctor 40 "$python" -m bpnet doctor --markdown
run parity 110 "$python" -m pytest tests/parity -s -m gpu -p no:cacheprovider
run gpu-tests 90 "$python" -m pytest -m gpu --ignore=tests/parity -p no:cacheprovider
for backend in cupy torch:cuda; do
    run "digits-${backend/:/-}" 25 env BPNET_STRICT=1 "$python" -m bpnet train digits --backend "$backend" --no-plot
done
run benchmark 90 "$python" -m pytest benchmarks/test_training_step.py -p no:cacheprovider \
    -k "(cupy or cuda) and (64-128-10 or 4096x4)" --benchmark-json "$out/training-step.json"
contenders="--contender bpnet-cupy --contender bpnet-torch-cuda --contender torch-cuda --contender torch-graph
    --contender jax-cuda"
run side-by-side 115 "$python" -m bpnet bench --workload 64-128-10 --workload 4096x4 --batch 32 --batch 2048 \
    $contenders --rounds 1 --seconds 0.5 --out "$out/side-by-side"
run side-by-side-images 95 "$python" -m bpnet bench --workload cnn --workload cnn-wide --batch 100 \
    $contenders --rounds 1 --seconds 0.5 --out "$out/side-by-side-images"
exit "$failed"
