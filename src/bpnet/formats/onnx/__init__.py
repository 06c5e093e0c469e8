"""Networks as ONNX files. `exporter` and `activation_exporter` teach it layers and activations of your own."""

from bpnet.formats.onnx.exporting import export as export
from bpnet.formats.onnx.graph import OnnxGraph as OnnxGraph
from bpnet.formats.onnx.registry import Place as Place
from bpnet.formats.onnx.registry import activation_exporter as activation_exporter
from bpnet.formats.onnx.registry import exporter as exporter
