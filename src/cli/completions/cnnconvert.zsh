#compdef cnnconvert
# Completions of cnnconvert. Generated from the program's tables by src/cli/reference.sh; do not edit.
_cnnconvert() {
    _arguments -s -S \
        '--input=[ONNX\: what the graph reads\: bytes (default) or float]:KIND:(bytes float)' \
        '--any-size[ONNX\: images of any height and width, resized in the graph]' \
        '--int8=[C source\: 8-bit integers, with scales from these images]:IMAGES: ' \
        '--until=[from ONNX\: the node, or its output, where the network ends]:NODE:_files' \
        '--classes=[to a model\: the names of class 0 and class 1]:A,B:_files' \
        '--size=[from ONNX\: the size of the image, where the file leaves it open]:WIDTHxHEIGHT:_files' \
        '--mean=[to a model\: the mean that was subtracted from pixels from 0 to 1]:LIST:_files' \
        '--deviation=[to a model\: … and the deviation by which they were divided]:LIST:_files' \
        '--imagenet[to a model\: mean and deviation of ImageNet, as torchvision uses them]' \
        '--bgr[to a model\: the channels of the network are blue, green, red]' \
        '--layers=[from safetensors\: the keys image and layers of a config]:FILE:_files' \
        '--check=[check an ONNX file of this program with the image in it, and stop]:FILE:_files' \
        '(-t --threads)-t+[threads (default\: all processors); same results for any N]:N: ' \
        '(-t --threads)--threads=[threads (default\: all processors); same results for any N]:N: ' \
        '--max-memory=[limit for memory (default\: all of it)]:SIZE: ' \
        '(-q --quiet)-q[errors only]' \
        '(-q --quiet)--quiet[errors only]' \
        '(-h --help)-h[print this]' \
        '(-h --help)--help[print this]' \
        '(-V --version)-V[print the version]' \
        '(-V --version)--version[print the version]' \
        '*:path:_files'
}
_cnnconvert "$@"
