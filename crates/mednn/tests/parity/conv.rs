//! Convolutions and their gradients equal `torch.nn.functional`'s, and finite differences.

use candle_core::{DType, Device, Tensor, Var};
use mednn::Error;
use mednn::ops::conv::{ConvConfig, conv};
use mednn::ops::conv_transpose::{ConvTransposeConfig, conv_transpose};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

const CASES: [&str; 21] = [
    "odd_3d",
    "rectangular_3d",
    "strided_3d",
    "pointwise_3d",
    "pointwise_strided_3d",
    "halving_3d",
    "odd_2d",
    "dilated_2d",
    "depthwise_2d",
    "depthwise_strided_2d",
    "stem_2d",
    "patches_2d",
    "wide_padding_2d",
    "upsample_3d",
    "overlap_3d",
    "anisotropic_3d",
    "spread_2d",
    "unit_stride_2d",
    "odd_1d",
    "dilated_1d",
    "upsample_1d",
];

/// Settings as the script stores them.
struct Settings<const D: usize> {
    transposed: bool,
    groups: usize,
    stride: [usize; D],
    padding: [(usize, usize); D],
    dilation: [usize; D],
    output_padding: [usize; D],
}

impl<const D: usize> Settings<D> {
    fn read(fixture: &Fixture, case: &str) -> Self {
        let values = fixture
            .get(&format!("{case}.settings"))
            .to_vec1::<u8>()
            .unwrap();
        let values: Vec<usize> = values.into_iter().map(usize::from).collect();
        assert_eq!(values.len(), 2 + 5 * D, "{case}");
        let axes = |start: usize| std::array::from_fn(|axis| values[start + axis]);
        Self {
            transposed: values[0] == 1,
            groups: values[1],
            stride: axes(2),
            padding: std::array::from_fn(|axis| {
                (values[2 + D + 2 * axis], values[3 + D + 2 * axis])
            }),
            dilation: axes(2 + 3 * D),
            output_padding: axes(2 + 4 * D),
        }
    }

    fn config(&self) -> ConvConfig<D> {
        ConvConfig::default()
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_dilation(self.dilation)
            .with_groups(self.groups)
    }

    fn transposed_config(&self) -> ConvTransposeConfig<D> {
        ConvTransposeConfig::default()
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_output_padding(self.output_padding)
            .with_dilation(self.dilation)
            .with_groups(self.groups)
    }
}

fn convolve(fixture: &Fixture, case: &str, x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Tensor {
    match x.rank() {
        3 => convolve_with(&Settings::<1>::read(fixture, case), x, w, b),
        4 => convolve_with(&Settings::<2>::read(fixture, case), x, w, b),
        _ => convolve_with(&Settings::<3>::read(fixture, case), x, w, b),
    }
}

fn convolve_with<const D: usize>(
    settings: &Settings<D>,
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
) -> Tensor {
    if settings.transposed {
        conv_transpose(x, w, b, &settings.transposed_config()).unwrap()
    } else {
        conv(x, w, b, &settings.config()).unwrap()
    }
}

/// An input of a case, stored as 64 times the number plus 64.
fn input(fixture: &Fixture, case: &str, name: &str, dtype: DType) -> Option<Tensor> {
    let bytes = fixture.find(&format!("{case}.{name}"))?;
    Some(
        bytes
            .to_dtype(dtype)
            .unwrap()
            .affine(1.0 / 64.0, -1.0)
            .unwrap(),
    )
}

#[test]
fn forward_and_gradients_equal_pytorch() {
    let fixture = Fixture::load("conv");
    for case in CASES {
        for (dtype, tolerance) in [(DType::F32, 2e-6), (DType::F64, 1e-7)] {
            let of = |name: &str| input(&fixture, case, name, dtype);
            let var = |name: &str| of(name).map(|tensor| Var::from_tensor(&tensor).unwrap());
            let (x, w, b) = (var("x").unwrap(), var("w").unwrap(), var("b"));
            let y = convolve(&fixture, case, &x, &w, b.as_deref());
            let expected = |name: &str| fixture.get(&format!("{case}.{name}"));
            assert_close(
                &y,
                &expected("y"),
                tolerance,
                &format!("{case} {dtype:?} output"),
            );
            let weighted = (y * of("g").unwrap()).unwrap().sum_all().unwrap();
            let gradients = weighted.backward().unwrap();
            for (name, var) in [("dx", Some(&x)), ("dw", Some(&w)), ("db", b.as_ref())] {
                if let Some(var) = var {
                    let gradient = gradients
                        .get(var)
                        .unwrap_or_else(|| panic!("{case}: no {name}"));
                    assert_close(
                        gradient,
                        &expected(name),
                        tolerance,
                        &format!("{case} {dtype:?} {name}"),
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let fixture = Fixture::load("conv");
    for case in [
        "rectangular_3d",
        "pointwise_strided_3d",
        "depthwise_strided_2d",
        "spread_2d",
    ] {
        let inputs: Vec<Tensor> = ["x", "w", "b"]
            .iter()
            .filter_map(|name| input(&fixture, case, name, DType::F64))
            .collect();
        check_gradient(
            &inputs,
            |t| convolve(&fixture, case, &t[0], &t[1], t.get(2)),
            1e-7,
        );
    }
}

#[test]
fn gradients_are_computed_only_for_tracked_arguments() {
    let x = pattern(&[1, 2, 5, 6], 1);
    let w = Var::from_tensor(&pattern(&[3, 2, 3, 3], 2)).unwrap();
    let y = conv(&x, &w, None, &ConvConfig::same([3, 3])).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&w).is_some());
    assert!(gradients.get(&x).is_none());
    let inference = conv(&x, &w.as_detached_tensor(), None, &ConvConfig::same([3, 3])).unwrap();
    assert!(!inference.track_op());
}

#[test]
fn views_are_read_as_what_they_show() {
    let whole = pattern(&[2, 6, 7, 4], 3);
    let view = whole.transpose(1, 3).unwrap().narrow(2, 1, 5).unwrap();
    let w = pattern(&[3, 3, 4, 2], 4).transpose(1, 2).unwrap();
    let (copied, copied_w) = (
        view.force_contiguous().unwrap(),
        w.force_contiguous().unwrap(),
    );
    let config = ConvConfig::<2>::default();
    let got = conv(&view, &w, None, &config).unwrap();
    assert_close(
        &got,
        &conv(&copied, &copied_w, None, &config).unwrap(),
        0.0,
        "a view",
    );
}

#[test]
fn bits_are_the_same_on_any_number_of_threads() {
    let x = pattern(&[2, 8, 9, 17, 15], 5).to_dtype(DType::F32).unwrap();
    let w = pattern(&[20, 8, 3, 3, 3], 6).to_dtype(DType::F32).unwrap();
    let b = pattern(&[20], 7).to_dtype(DType::F32).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let [x, w, b] = [&x, &w, &b].map(|t| Var::from_tensor(t).unwrap());
        let config = ConvConfig::same([3; 3]).with_stride([1, 2, 1]);
        let y = conv(&x, &w, Some(&b), &config).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let of = |var: &Var| gradients.get(var).unwrap().clone();
        vec![y, of(&x), of(&w), of(&b)]
    });
}

#[test]
fn what_does_not_fit_together_is_an_error_that_names_it() {
    let x = pattern(&[1, 4, 5, 6], 1);
    let w = pattern(&[6, 4, 3, 3], 2);
    let config = ConvConfig::<2>::default();
    assert!(matches!(
        conv(&x, &w, None, &ConvConfig::<3>::default()),
        Err(Error::Rank { .. })
    ));
    assert!(matches!(
        conv(&x, &w.narrow(1, 0, 3).unwrap(), None, &config),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        conv(&x, &w, Some(&pattern(&[4], 1)), &config),
        Err(Error::Shape { .. })
    ));
    let single = w.to_dtype(DType::F32).unwrap();
    assert!(matches!(
        conv(&x, &single, None, &config),
        Err(Error::ElementType { .. })
    ));
    let settings = [
        config.with_stride([0, 1]),
        config.with_groups(3),
        config.with_groups(0),
        config.with_dilation([3, 1]),
    ];
    for setting in settings {
        let refused = conv(&x, &w, None, &setting);
        assert!(
            matches!(refused, Err(Error::Setting { .. })),
            "{setting:?}: {refused:?}"
        );
    }
    let transposed = ConvTransposeConfig::upsample([2, 2]).with_output_padding([2, 0]);
    let w = pattern(&[4, 6, 2, 2], 2);
    assert!(matches!(
        conv_transpose(&x, &w, None, &transposed),
        Err(Error::Setting { .. })
    ));
    let cut = ConvTransposeConfig::upsample([2, 2]).with_padding([(5, 5), (0, 0)]);
    assert!(matches!(
        conv_transpose(&x, &w, None, &cut),
        Err(Error::Setting { .. })
    ));
    let integers = Tensor::zeros((1, 4, 5, 6), DType::U8, &Device::Cpu).unwrap();
    assert!(matches!(
        conv(&integers, &w, None, &config),
        Err(Error::ElementType { .. })
    ));
}
