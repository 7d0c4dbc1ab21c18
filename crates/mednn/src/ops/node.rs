//! One trait for operators of one, two or three tensors, for which candle has three.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Shape, Tensor};

use crate::tape::Apply as _;

/// A node on the tape with up to three inputs.
pub(crate) trait Node: 'static + Send + Sync {
    /// The name errors of candle carry.
    fn name(&self) -> &'static str;

    /// The output for contiguous inputs.
    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)>;

    /// The same on a GPU; an error where there is no kernel for it.
    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        _: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        Err(candle_core::Error::Msg(format!(
            "{}: no kernel for CUDA devices",
            self.name()
        )))
    }

    /// The gradient of each input, `None` for one that is not tracked.
    fn backward(&self, inputs: &[&Tensor], output: &Tensor, gradient: &Tensor) -> Gradients;
}

/// The gradients of up to three inputs.
pub(crate) type Gradients = candle_core::Result<[Option<Tensor>; 3]>;

/// Puts a node on the tape.
pub(crate) fn apply(node: impl Node, inputs: &[&Tensor]) -> candle_core::Result<Tensor> {
    let node = Custom(node);
    match inputs {
        [a] => a.contiguous()?.apply1(node),
        [a, b] => a.contiguous()?.apply2(&b.contiguous()?, node),
        [a, b, c] => a
            .contiguous()?
            .apply3(&b.contiguous()?, &c.contiguous()?, node),
        _ => Err(candle_core::Error::Msg(format!(
            "{} has {} inputs",
            node.0.name(),
            inputs.len()
        ))),
    }
}

struct Custom<N>(N);

impl<N: Node> CustomOp1 for Custom<N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.0.forward(&[(s, l)])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.0.cuda_forward(&[(s, l)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let [a, ..] = self.0.backward(&[a], output, gradient)?;
        Ok(a)
    }
}

impl<N: Node> CustomOp2 for Custom<N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.0.forward(&[(s1, l1), (s2, l2)])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.0.cuda_forward(&[(s1, l1), (s2, l2)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let [a, b, _] = self.0.backward(&[a, b], output, gradient)?;
        Ok((a, b))
    }
}

impl<N: Node> CustomOp3 for Custom<N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.0.forward(&[(s1, l1), (s2, l2), (s3, l3)])
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.0.cuda_forward(&[(s1, l1), (s2, l2), (s3, l3)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [a, b, c] = self.0.backward(&[a, b, c], output, gradient)?;
        Ok((a, b, c))
    }
}
