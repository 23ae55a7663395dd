"""A look into an ONNX file before onnxruntime opens it: operators, sizes, nothing from elsewhere.

The format is protobuf (onnx.proto3); the few fields that count are read here, because whoever runs
a model need not have the package ``onnx``. Refused are foreign operators, graphs within nodes,
functions, and tensors whose bytes lie in another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.contract import ModelRefused

OPERATORS = frozenset(
    """
Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv Div Dropout Exp Flatten
Gather Gemm GlobalAveragePool GlobalMaxPool GatherND GRU HardSigmoid HardSwish Identity LSTM
LeakyRelu Log LogSoftmax MatMul Max MaxPool Min Mul Neg Pow Reciprocal ReduceMax ReduceMean
ReduceMin ReduceSum ReduceSumSquare Relu Reshape Shape Sigmoid Slice Softmax Split Sqrt Squeeze
Sub Sum Tanh Transpose Unsqueeze Where
""".split()  # noqa: SIM905
)
"""What a student needs; none makes much out of little, reads a file or calls foreign code."""

MAX_NODES = 1000
MAX_NUMBER = 10_000
"""Largest number among the attributes of a node: kernels, strides, paddings, axes."""

ORT_MARK = b"ORTM"
"""Bytes 4 to 8 of onnxruntime's own format, which is not looked into here."""

_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 3, 5, 6
_ATTRIBUTE_INTS, _ATTRIBUTE_GRAPHS = 8, 11
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

_LIMITED = frozenset({"AveragePool", "Conv", "GRU", "LSTM", "MaxPool"})
"""Their attributes decide how large the result is, and how long it takes."""

Field = tuple[int, int | bytes]


def check_onnx(content: bytes, path: Path) -> None:
    """Refuse what a student does not need.

    Raises
    ------
    ModelRefused
        In one line.
    """
    try:
        if content[4:8] == ORT_MARK:
            raise ValueError("onnxruntime's own format")
        wrong = _of_model(content)
    except ValueError as error:
        raise ModelRefused(f"model {path} is no readable ONNX file ({error})") from None
    if wrong:
        raise ModelRefused(f"model {path} {wrong}", "export it with apexbeat-train")


def _of_model(content: bytes) -> str:
    graphs = 0
    for number, value in fields(content):
        if number in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
            return "holds functions of its own, which are not allowed"
        if number == _MODEL_GRAPH:
            graphs += 1
            if graphs > 1:  # protobuf would merge them
                return "holds two graphs"
            if wrong := _of_graph(_bytes(value)):
                return wrong
    return "" if graphs else "holds no graph"


def _of_graph(graph: bytes) -> str:
    nodes = 0
    for number, value in fields(graph):
        wrong = ""
        if number == _GRAPH_NODE:
            nodes += 1
            wrong = _of_node(_bytes(value))
        elif number == _GRAPH_TENSOR:
            wrong = _of_tensor(_bytes(value))
        elif number == _GRAPH_SPARSE:
            wrong = "holds sparse tensors, which are not allowed"
        if wrong:
            return wrong
        if nodes > MAX_NODES:
            return f"has more than {MAX_NODES} operators"
    return ""


def _of_node(node: bytes) -> str:
    name, domain = "", b""
    attributes: list[bytes] = []
    for number, value in fields(node):
        if number == _NODE_OPERATOR:
            name = _bytes(value).decode("utf-8", "backslashreplace")
        elif number == _NODE_DOMAIN:
            domain = _bytes(value)
        elif number == _NODE_ATTRIBUTE:
            attributes.append(_bytes(value))
    if name not in OPERATORS or domain not in (b"", b"ai.onnx"):
        return f"uses the operator {name[:40]}, which is not allowed"
    for attribute in attributes:
        for number, value in fields(attribute):
            if number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                return f"has a graph within {name}, which is not allowed"
            if number == _ATTRIBUTE_TENSOR and (wrong := _of_tensor(_bytes(value))):
                return wrong
            if name in _LIMITED and number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
                listed = [value] if isinstance(value, int) else list(_packed(value))
                if max(listed, default=0) > MAX_NUMBER:
                    return f"has an attribute of {name} beyond {MAX_NUMBER}"
    return ""


def _of_tensor(tensor: bytes) -> str:
    for number, value in fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value):
            return "keeps weights in another file, which is not allowed"
    return ""


def fields(message: bytes) -> Iterator[Field]:
    """Yield number and value of each field of a protobuf message: an int, or bytes.

    Raises
    ------
    ValueError
        If it is none.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if number == 0 or at + size > len(message):
            raise ValueError("a field that goes beyond its end")
        yield number, message[at : at + size]
        at += size


def _packed(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value - (1 << 64 if value >> 63 else 0), at
    raise ValueError("a number without an end")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes belong")
    return value
