"""Where layers go and what a failure means, with a llama.cpp that plays a machine with GPUs: there is none here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from urial_tui.engine.memory import Device, offload_devices
from urial_tui.engine.offload import fewer, layers_that_fit, usable
from urial_tui.engine.protocol import ContextInfo, ContextSpec
from urial_tui.engine.worker import model as loading
from urial_tui.engine.worker import native, placement
from urial_tui.engine.worker.buffers import BufferLog
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.parameters import ALL, model_params
from urial_tui.engine.worker.placement import DryRun, first_layers, gpus, out_of_memory

GB = 1 << 30
CPU = Device("CPU", "a processor", 32 * GB, 32 * GB)
LARGE = Device("CUDA0", "a large GPU", 20 * GB, 24 * GB, "gpu")
SMALL = Device("CUDA1", "a small GPU", 6 * GB, 8 * GB, "gpu")
SHARED = Device("Vulkan0", "graphics of a laptop", 8 * GB, 16 * GB, "gpu", integrated=True)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`machine(devices...)`: what llama.cpp lists from now on."""

    def has(*devices: Device) -> None:
        offload = any(device.kind == "gpu" for device in devices)
        monkeypatch.setattr(native, "devices", lambda: list(devices))
        monkeypatch.setattr(native.lib, "llama_supports_gpu_offload", lambda: offload)

    return has


# --- devices --------------------------------------------------------------------------------------------------------


def test_layers_go_to_every_gpu_and_to_graphics_of_the_main_memory_only_without_one() -> None:
    assert offload_devices((CPU, LARGE, SMALL, SHARED)) == (LARGE, SMALL)
    assert offload_devices((CPU, SHARED)) == (SHARED,)
    assert offload_devices((CPU,)) == ()
    assert offload_devices((CPU, LARGE, SMALL), 1) == (SMALL,)
    assert offload_devices((CPU, LARGE), 3) == ()


def test_one_gpu_can_be_chosen_and_one_that_is_not_there_is_named(
    machine: Callable[..., None],
) -> None:
    machine(CPU, LARGE, SMALL)
    assert gpus(-1) == (LARGE, SMALL)
    assert gpus(0) == (LARGE,) and gpus(1) == (SMALL,)
    with pytest.raises(Fault) as caught:
        gpus(2)
    assert caught.value.kind == "no-device"
    assert "CUDA0" in caught.value.hint and "CUDA1" in caught.value.hint


def test_without_a_gpu_everything_runs_on_the_cpu_whatever_is_asked_for(
    machine: Callable[..., None],
) -> None:
    machine(CPU)
    assert gpus(-1) == gpus(0) == gpus(3) == ()
    for layers in (-1, 0, 40):
        assert first_layers(ContextSpec("m.gguf", gpu_layers=layers), ()) == 0


def test_this_machine_lists_its_processor_and_says_what_the_build_has() -> None:
    devices = native.devices()
    assert [device.kind for device in devices if device.name == "CPU"] == ["cpu"]
    assert all(device.total >= 0 and device.description for device in devices)
    assert "CPU" in native.backends()


# --- how many layers ------------------------------------------------------------------------------------------------


def test_a_reserve_is_left_to_the_system() -> None:
    assert usable(10 * GB) == 9 * GB
    assert usable(GB) == GB - 256 * 2**20
    assert usable(0) == usable(100) == 0


def test_layers_that_fit_are_what_every_device_has_room_for_beside_its_buffers() -> None:
    each = {"fixed": GB, "output": GB, "spread": 31 * GB, "n_layers": 31}
    assert layers_that_fit([40 * GB], **each) == 32
    assert layers_that_fit([20 * GB], **each) == 17
    assert layers_that_fit([10 * GB, 10 * GB], **each) == 16
    assert layers_that_fit([10 * GB, GB], **each) == 8
    assert layers_that_fit([2 * GB], **each) == 0
    assert layers_that_fit([], **each) == 0
    # A large output goes first: without room for it there is no layer.
    assert layers_that_fit([5 * GB], **(each | {"output": 4 * GB})) == 0
    assert layers_that_fit([GB], fixed=0, output=0, spread=0, n_layers=31) == 32


def test_stepping_down_takes_a_quarter_of_the_model_each_time_and_ends_at_none() -> None:
    def steps(first: int, n_layers: int) -> list[int]:
        found = [first]
        while found[-1]:
            found.append(fewer(found[-1], n_layers))
        return found

    assert steps(33, 32) == [33, 24, 15, 6, 0]
    assert steps(20, 19) == [20, 15, 10, 5, 0]
    assert steps(3, 2) == [3, 2, 1, 0]
    assert steps(7, 79) == [7, 0]
    assert steps(999, 19) == [999, 15, 10, 5, 0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten gigabytes that take no room."""
    path = tmp_path / "m.gguf"
    with path.open("wb") as out:
        out.truncate(10 * GB)
    return path


DRY = DryRun(n_layers=31, weights=10 * GB, kv_cache=6 * GB, fixed=GB)


def test_a_model_that_fits_easily_is_loaded_whole_without_looking_closer(file: Path) -> None:
    def never(spec: ContextSpec) -> DryRun:
        raise AssertionError

    assert first_layers(ContextSpec(str(file)), [LARGE], never) == ALL


def test_a_model_that_does_not_fit_begins_with_the_layers_that_do(file: Path) -> None:
    spec = ContextSpec(str(file))
    assert first_layers(spec, [SMALL], lambda _: DRY) == 9  # (6 - 0.6 - 1) GB, each about 0.5 GB
    assert first_layers(spec, [SMALL, SMALL], lambda _: DRY) == 17
    tiny = Device("CUDA0", "a tiny GPU", GB, GB, "gpu")
    assert first_layers(spec, [tiny], lambda _: DRY) == 0


def test_what_fits_by_llama_cpp_s_own_figures_is_loaded_whole(file: Path) -> None:
    little = DryRun(n_layers=31, weights=10 * GB, kv_cache=0, fixed=0)
    twelve = Device("CUDA0", "a GPU", 12 * GB, 12 * GB, "gpu")
    assert first_layers(ContextSpec(str(file)), [twelve], lambda _: little) == ALL


def test_layers_that_were_asked_for_are_taken_as_they_are(file: Path) -> None:
    assert first_layers(ContextSpec(str(file), gpu_layers=30), [SMALL], lambda _: DRY) == 30


def test_a_file_that_cannot_be_planned_is_left_to_the_loading(file: Path) -> None:
    assert first_layers(ContextSpec(str(file)), [SMALL], lambda _: None) == ALL


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    for number, size in ((1, 100), (2, 200), (3, 300)):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(b"x" * size)
    assert placement._size_of(str(tmp_path / "m-00001-of-00003.gguf")) == 600


def test_no_layers_means_no_device_and_one_gpu_means_that_one_alone() -> None:
    nothing, one, every = model_params(0, -1), model_params(12, 1), model_params(ALL, -1)
    assert nothing.devices and not one.devices and not every.devices
    assert (one.split_mode, one.main_gpu) == (native.lib.LLAMA_SPLIT_MODE_NONE, 1)
    assert every.split_mode != native.lib.LLAMA_SPLIT_MODE_NONE
    assert [each.n_gpu_layers for each in (nothing, one, every)] == [0, 12, ALL]


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 3584.00 MiB on device 0: "
        "cudaMalloc failed: out of memory",
        "alloc_tensor_range: failed to allocate CUDA0 buffer of size 3758096384",
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        "ggml_vulkan: Device memory allocation of size 1073741824 failed.",
        "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
        "ggml_metal_buffer_init: error: failed to allocate buffer, size =  4096.00 MiB",
        "ggml_aligned_malloc: insufficient memory (attempted to allocate 91552.73 MB)",
        "llama_init_from_model: failed to initialize the context: failed to allocate compute pp buffers",
        "llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache",
        "llama_model_load: error loading model: mmap failed: Cannot allocate memory",
        "std::bad_alloc",
    ],
)
def test_a_lack_of_memory_is_told_from_the_log(line: str) -> None:
    assert out_of_memory(["a warning before", line])


@pytest.mark.parametrize(
    "line",
    [
        "llama_model_load: error loading model: error loading model architecture: "
        "unknown model architecture: 'nonesuch'",
        "llama_model_load: error loading model: tensor 'blk.0.attn_q.weight' data is not within "
        "the file bounds, model is corrupted or incomplete",
        "llama_init_from_model: quantized V cache requires flash_attn to be enabled",
        "llama_model_load_from_file_impl: failed to load model",
        "llama_context: n_ctx_seq (512) < n_ctx_train (32768) -- the full capacity of the model "
        "will not be utilized",
    ],
)
def test_other_failures_are_not_taken_for_a_lack_of_memory(line: str) -> None:
    assert not out_of_memory([line])


@dataclass
class Machine:
    """A GPU with room for `room` layers of a model that has 32 and an output."""

    room: int
    complaint: str = "alloc_tensor_range: failed to allocate CUDA0 buffer of size 1"
    main_memory: bool = True
    tried: list[int] = field(default_factory=list)

    def load(self, path: bytes, params: object) -> object:
        layers = params.n_gpu_layers  # type: ignore[attr-defined]
        layers = 33 if layers < 0 else min(layers, 33)
        self.tried.append(layers)
        native.hear(2, "print_info: n_layer               = 32\n")
        if layers > self.room or (layers == 0 and not self.main_memory):
            native.hear(4, self.complaint + "\n")
            return None
        native.hear(2, f"load_tensors: offloaded {layers}/33 layers to GPU\n")
        native.hear(2, "load_tensors:   CPU_Mapped model buffer size =   100.00 MiB\n")
        if layers:
            native.hear(2, "load_tensors:        CUDA0 model buffer size =   900.00 MiB\n")
        return "handle"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    def make(*arguments: object, **more: object) -> Machine:
        found = Machine(*arguments, **more)  # type: ignore[arg-type]
        monkeypatch.setattr(loading.lib, "llama_model_load_from_file", found.load)
        return found

    return make


def load(layers: int, *, step_down: bool = True) -> loading._Loaded:
    return loading._load("some/m.gguf", layers, None, -1, step_down)


def test_automatic_layers_step_down_until_the_device_has_room(
    gpu: Callable[..., Machine],
) -> None:
    machine = gpu(20)
    found = load(ALL)
    assert machine.tried == [33, 24, 15]
    assert (found.layers, found.buffers.devices()) == (15, ["CUDA0"])
    assert (found.buffers.weights.main, found.buffers.weights.device) == (100 << 20, 900 << 20)


def test_a_model_that_no_layer_fits_of_ends_on_the_cpu(gpu: Callable[..., Machine]) -> None:
    machine = gpu(0)
    found = load(20)
    assert machine.tried == [20, 11, 2, 0]
    assert (found.layers, found.buffers.devices()) == (0, [])


def test_a_machine_with_too_little_of_everything_says_what_to_do(
    gpu: Callable[..., Machine],
) -> None:
    machine = gpu(0, main_memory=False)
    with pytest.raises(Fault) as caught:
        load(20)
    assert machine.tried == [20, 11, 2, 0]
    assert caught.value.kind == "memory"
    assert "not enough memory to load m.gguf" in caught.value.message
    assert "smaller" in caught.value.hint


def test_layers_that_the_user_chose_fail_with_the_way_out(gpu: Callable[..., Machine]) -> None:
    machine = gpu(20)
    with pytest.raises(Fault) as caught:
        load(30, step_down=False)
    assert machine.tried == [30]
    assert caught.value.kind == "memory"
    assert "no memory for 30 of 33 layers" in caught.value.message
    assert "failed to allocate CUDA0 buffer" in caught.value.message
    assert "auto" in caught.value.hint and "gpu_layers" in caught.value.hint


def test_a_file_that_cannot_be_loaded_is_tried_once(gpu: Callable[..., Machine]) -> None:
    machine = gpu(0, complaint="llama_model_load: error loading model: unknown model architecture")
    with pytest.raises(Fault) as caught:
        load(ALL)
    assert machine.tried == [33]
    assert (
        caught.value.kind == "model-load" and "unknown model architecture" in caught.value.message
    )


def test_a_cancelled_load_is_not_tried_again(
    gpu: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu(0)
    monkeypatch.setattr(loading._Attempt, "run", lambda self, *args: setattr(self, "aborted", True))
    with pytest.raises(Fault) as caught:
        load(ALL)
    assert caught.value.kind == "cancelled"


# --- what the log says of buffers -----------------------------------------------------------------------------------


def heard(*lines: str) -> BufferLog:
    log = BufferLog()
    for line in lines:
        log.hear(line + "\n")
    return log


def test_buffers_of_several_devices_are_told_apart() -> None:
    log = heard(
        "load_tensors:   CPU_Mapped model buffer size =   300.00 MiB",
        "load_tensors:        CUDA0 model buffer size =  2000.50 MiB",
        "load_tensors:        CUDA1 model buffer size =  1000.00 MiB",
        "llama_context:  CUDA_Host  output buffer size =     0.49 MiB",
        "llama_kv_cache:      CUDA0 KV buffer size =   128.00 MiB",
        "llama_kv_cache:      CUDA1 KV buffer size =    64.00 MiB",
        "llama_kv_cache:        CPU KV buffer size =    16.00 MiB",
        "llama_memory_recurrent:        CPU RS buffer size =     4.00 MiB",
        "sched_reserve:      CUDA0 compute buffer size =   254.50 MiB",
        "sched_reserve:      CUDA1 compute buffer size =   300.00 MiB",
        "sched_reserve:  CUDA_Host compute buffer size =    12.01 MiB",
        "llama_adapter_lora_init_impl:      CUDA0 LoRA buffer size =     8.00 MiB",
        "something else entirely",
    )
    mib = 1 << 20
    assert (log.weights.main, log.weights.device) == (300 * mib, round(3000.5 * mib))
    assert (log.kv_cache.main, log.kv_cache.device) == (20 * mib, 192 * mib)
    assert (log.compute.main, log.compute.device) == (round(12.01 * mib), round(554.5 * mib))
    assert log.largest_compute == 300 * mib
    assert (log.output.main, log.adapter.device) == (round(0.49 * mib), 8 * mib)
    assert log.devices() == ["CUDA0", "CUDA1"]


def test_weights_that_are_mapped_into_a_gpu_of_the_main_memory_are_the_device_s() -> None:
    log = heard(
        "load_tensors:   CPU_Mapped model buffer size =   100.00 MiB",
        "load_tensors:  MTL0_Mapped model buffer size =   900.00 MiB",
    )
    assert log.devices() == ["MTL0"]
    assert log.weights.device == 900 << 20


def test_rearranged_weights_are_counted_once() -> None:
    log = heard(
        "load_tensors:   CPU_Mapped model buffer size =   235.16 MiB",
        "load_tensors:   CPU_REPACK model buffer size =    12.66 MiB",
    )
    assert log.weights.main == round(235.16 * 2**20)
    assert (
        heard("load_tensors:   CPU_REPACK model buffer size =    12.00 MiB").weights.main
        == 12 << 20
    )


def test_a_compute_buffer_that_is_reserved_anew_replaces_the_old_one() -> None:
    log = heard(
        "sched_reserve:        CPU compute buffer size =    42.38 MiB",
        "sched_reserve:        CPU compute buffer size =    50.00 MiB",
    )
    assert log.compute.main == 50 << 20


def info(gpu_layers: int, device: str) -> ContextInfo:
    return ContextInfo(512, 512, 512, 32, gpu_layers, 2, 0, "a model", 1, 1, 0.1, device)


def test_where_a_context_runs_is_told_in_words() -> None:
    assert info(0, "CPU").placement == "CPU"
    assert info(33, "CUDA0, CUDA1").placement == "CUDA0, CUDA1 (all 33 layers)"
    assert info(20, "MTL0").placement == "MTL0 (20 of 33 layers)"
