#!/bin/bash
# Everything that needs a GPU, in one call on a machine that has one: builds the core and the CUDA backend in place,
# checks the backend's conformance, and runs its tests and the ops' on the device.
#
#     tools/gpu_check.sh [folder for the results]      $OUT, or build/gpu, by default
#
# The machine needs a driver for CUDA 13, nvcc, and a Python (PYTHON, by default python3) of 3.11 or later with pytest,
# pytest-xdist, hypothesis, scipy, numpy, ml_dtypes, safetensors, cmake, ninja, pybind11 and hatchling; what is missing
# is taken from wheels in WHEELS (.whl by default), without a network. scipy-openblas32 is needed too.
# Ends with 0 if all passed; the results are there in any case.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
results=${1:-${OUT:-$root/build/gpu}}
python=${PYTHON:-python3}
wheels=${WHEELS:-$root/.whl}
mkdir -p "$results"
cd "$root" || exit 2
failed=0

step() { # step NAME COMMAND...: its output to NAME.txt, its status to summary.txt
  local name=$1 started=$SECONDS status
  shift
  "$@" >"$results/$name.txt" 2>&1
  status=$?
  echo "$name: status $status, $((SECONDS - started)) s" | tee -a "$results/summary.txt"
  if [ $status -ne 0 ]; then
    tail -n 25 "$results/$name.txt"
    failed=1
  fi
  return $status
}

: >"$results/summary.txt"
nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader | tee -a "$results/summary.txt"
nvcc --version | tail -n 2 | head -n 1 >>"$results/summary.txt"

site=$root/build/gpu-site
mkdir -p "$site"
export PYTHONPATH=$site
if compgen -G "$wheels/*.whl" >/dev/null; then
  step wheels "$python" -m pip install -q --no-index --no-deps --no-compile --upgrade --target "$site" "$wheels"/*.whl ||
    exit 2
fi
for package in tensor-core tensor-core-cuda autograd nn optim data onnx-export; do
  PYTHONPATH=$PYTHONPATH:$root/packages/$package/src
done

# The capability of the device that is here, unless another is asked for.
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
export DOVETAIL_CUDA_ARCHITECTURES=${DOVETAIL_CUDA_ARCHITECTURES:-$capability-real}
step build "$python" tools/build.py tensor-core tensor-core-cuda autograd || exit 2

# The entry point of a distribution that is not installed: the library is loaded by hand.
cat >"$site/dovetail_cuda_here.py" <<'X'
import sys
from dovetail import _core

if "cuda" not in _core.backend_names():
    from dovetail._cuda import register

    register()
if __name__ == "__main__":
    from dovetail.testing.backend import main

    sys.exit(main(["cuda"]))
X
here=(-p dovetail_cuda_here -n 4 -q)
step conformance "$python" "$site/dovetail_cuda_here.py"
DOVETAIL_CUDA_SYNC=1 step conformance-sync "$python" "$site/dovetail_cuda_here.py"
step device "$python" -m pytest -p dovetail_cuda_here -q packages/tensor-core-cuda/tests
DOVETAIL_CUDA_SYNC=1 step ops "$python" -m pytest "${here[@]}" tests/ops --device cuda
if command -v compute-sanitizer >/dev/null; then
  step memcheck timeout 120 compute-sanitizer --error-exitcode 3 "$python" "$site/dovetail_cuda_here.py"
fi
grep -hE "passed|failed|required primitives" "$results"/{conformance,device,ops}.txt | tee -a "$results/summary.txt"
exit $failed
