//! The calls that stand in checkpoints.

/// Functions and classes that a checkpoint may call; what they would give is known or is kept as an inert object.
const CALLS: [&str; 34] = [
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.dict",
    "builtins.frozenset",
    "builtins.list",
    "builtins.set",
    "builtins.slice",
    "__builtin__.bytearray",
    "__builtin__.dict",
    "__builtin__.frozenset",
    "__builtin__.list",
    "__builtin__.set",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "copy_reg._reconstructor",
    "copyreg._reconstructor",
    "datetime.datetime",
    "datetime.timedelta",
    "functools.partial",
    "numpy.dtype",
    "numpy.ndarray",
    "torch.Size",
    "torch.device",
    "torch.serialization._get_layout",
    "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
];

/// Whether a checkpoint may call this; `name` is module and name.
pub(super) fn may_be_called(name: &str) -> bool {
    let scientific = || {
        let known = [
            "_reconstruct",
            "scalar",
            "_frombuffer",
            "__randomstate_ctor",
        ];
        let numpy = name.starts_with("numpy.core.") || name.starts_with("numpy._core.");
        numpy && known.iter().any(|end| name.ends_with(end))
    };
    let path = || name.starts_with("pathlib.") && name.ends_with("Path");
    let script = || name.starts_with("torch.jit._pickle.");
    CALLS.contains(&name) || scientific() || path() || script()
}

#[cfg(test)]
mod tests {
    use super::may_be_called;

    #[test]
    fn what_runs_commands_is_not_called() {
        for name in [
            "posix.system",
            "os.system",
            "builtins.eval",
            "builtins.getattr",
            "pathlib.Path.unlink",
            "numpy.load",
        ] {
            assert!(!may_be_called(name), "{name}");
        }
        for name in [
            "torch._utils._rebuild_tensor_v2",
            "numpy._core.multiarray.scalar",
            "pathlib.PosixPath",
        ] {
            assert!(may_be_called(name), "{name}");
        }
    }
}
