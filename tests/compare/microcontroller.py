#!/usr/bin/env python3
"""Prints the RAM and flash that TensorFlow Lite Micro needs for the network of configs/fashion.json in 8 bits: the size of the
.tflite file, and what its interpreter allocates. The weights are random, because neither depends on them. Needs the packages
tflite-micro and numpy; addresses have 8 bytes on the machine that runs this, so that its list of tensors is
larger than on a microcontroller.

    tests/compare/microcontroller.py
"""
import flatbuffers
import numpy
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}


class Builder:
    """A model with one subgraph."""

    def __init__(self):
        self.random = numpy.random.default_rng(1)
        self.tensors, self.operators, self.codes = [], [], []
        self.buffers = [schema.BufferT()]

    def tensor(self, shape, kind="int8", constant=False, scales=1):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), TYPES[kind], f"t{len(self.tensors)}"
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = [0.02 if kind == "int8" else 0.02 * 0.02] * scales
        tensor.quantization.zeroPoint = [0] * scales
        tensor.buffer = 0
        if constant:
            buffer = schema.BufferT()
            buffer.data = numpy.frombuffer(self.random.integers(-100, 100, shape).astype(kind).tobytes(), numpy.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(self, name, inputs, output, options=None):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = code.builtinCode
        code.version = 1
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.codes)
        operator.inputs, operator.outputs = inputs, [output]
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            operator.builtinOptions = options
        self.codes.append(code)
        self.operators.append(operator)
        return output

    def bytes(self, first, last):
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, [first], [last]
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, self.codes, [graph], self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def conv(b, x, size, channels, filters):
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.SAME, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    weight = b.tensor((filters, 3, 3, channels), constant=True, scales=filters)
    bias = b.tensor((filters,), "int32", constant=True, scales=filters)
    return b.operator("CONV_2D", [x, weight, bias], b.tensor((1, size, size, filters)), options)


def pool(b, x, size, channels):
    options = schema.Pool2DOptionsT()
    options.padding = schema.Padding.VALID
    options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
    return b.operator("MAX_POOL_2D", [x], b.tensor((1, size // 2, size // 2, channels)), options)


def dense(b, x, size, units, relu):
    options = schema.FullyConnectedOptionsT()
    kinds = schema.ActivationFunctionType
    options.fusedActivationFunction = kinds.RELU if relu else kinds.NONE
    weight = b.tensor((units, size), constant=True)
    bias = b.tensor((units,), "int32", constant=True)
    return b.operator("FULLY_CONNECTED", [x, weight, bias], b.tensor((1, units)), options)


def main():
    b = Builder()
    image = b.tensor((1, 28, 28, 1))
    x = pool(b, conv(b, image, 28, 1, 16), 28, 16)
    x = pool(b, conv(b, x, 14, 16, 32), 14, 32)
    x = b.operator("RESHAPE", [x, b.tensor((2,), "int32", constant=True)], b.tensor((1, 1568)))
    b.buffers[-1].data = numpy.frombuffer(numpy.array([1, 1568], numpy.int32).tobytes(), numpy.uint8)
    x = dense(b, dense(b, x, 1568, 64, True), 64, 1, False)
    output = b.tensor((1, 1))
    b.tensors[output].quantization.scale, b.tensors[output].quantization.zeroPoint = [1 / 256], [-128]
    model = b.bytes(image, b.operator("LOGISTIC", [x], output))
    print(f"model {len(model)} bytes")
    interpreter = runtime.Interpreter.from_bytes(model)
    interpreter.set_input(numpy.zeros((1, 28, 28, 1), numpy.int8), 0)
    interpreter.invoke()
    interpreter.print_allocations()


main()
