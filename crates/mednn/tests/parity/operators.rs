//! `docs/operators.md`: what there is and how it is tested, written from the tests themselves.
//!
//! `UPDATE_OPERATORS=1 cargo test -p mednn --test parity operators` writes the page again.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::Fixture;

/// An operator with tests of its own instead of those of the suite.
struct ByHand {
    name: &'static str,
    fixture: &'static str,
    backward: bool,
}

const fn by_hand(name: &'static str, fixture: &'static str) -> ByHand {
    ByHand {
        name,
        fixture,
        backward: true,
    }
}

const fn without_gradient(name: &'static str, fixture: &'static str) -> ByHand {
    ByHand {
        name,
        fixture,
        backward: false,
    }
}

const OPERATORS: &[ByHand] = &[
    by_hand("conv (1D, 2D, 3D)", "conv"),
    by_hand("conv_transpose (1D, 2D, 3D)", "conv"),
    by_hand("batch_norm", "norm"),
    by_hand("instance_norm", "norm"),
    by_hand("group_norm", "norm"),
    by_hand("softmax, log_softmax", "softmax"),
    by_hand("prelu", "activation"),
    without_gradient("prepared_conv", "prepared_conv"),
    without_gradient("nms, batched_nms, weighted_box_clustering", "detection"),
];

const LOSSES: &[ByHand] = &[
    by_hand("Dice, DiceCrossEntropy", "loss"),
    by_hand("CrossEntropy", "loss/segmentation"),
    by_hand("BinaryCrossEntropy", "loss/segmentation"),
    by_hand("Focal, DiceFocal", "loss/segmentation"),
    by_hand("GeneralizedDice", "loss/segmentation"),
    by_hand("Tversky, FocalTversky", "loss/segmentation"),
    by_hand("OrdinalCrossEntropy (CORAL, CORN)", "loss/ordinal"),
    by_hand("Boundary", "loss/surface"),
    by_hand("Hausdorff", "loss/surface"),
    by_hand("ClDice", "loss/surface"),
    by_hand(
        "box_overlap_loss (IoU, GIoU, DIoU, CIoU; 2D, 3D)",
        "loss/boxes",
    ),
    by_hand("distribution_focal_loss", "loss/boxes"),
    by_hand("huber, smooth_l1", "loss/features"),
    by_hand("distillation", "loss/features"),
    by_hand("nt_xent, info_nce, supervised_contrastive", "loss/features"),
    by_hand("gradient_reversal", "loss/features"),
    by_hand("MaximumMeanDiscrepancy", "loss/features"),
];

/// What `tests/device` does not compare: what works on boxes of the host, has no kernel yet, or needs kernels of candle that the
/// emulated device does not have.
const NOT_ON_CUDA: &[&str] = &[
    "nms, batched_nms, weighted_box_clustering",
    "prepared_conv",
    "Boundary",
    "Hausdorff",
    "ClDice",
    "distillation",
    "nt_xent, info_nce, supervised_contrastive",
    "MaximumMeanDiscrepancy",
];

fn row(page: &mut String, name: &str, fixture: &str, backward: bool, graph: &str) {
    drop(Fixture::load(fixture));
    let backward = if backward { "yes" } else { "none" };
    let cuda = if NOT_ON_CUDA.contains(&name) {
        "no"
    } else {
        "emulated"
    };
    writeln!(
        page,
        "| {name} | yes | {backward} | yes | {cuda} | `{fixture}.py` | {graph} |"
    )
    .unwrap();
}

fn table(page: &mut String, title: &str) {
    write!(
        page,
        "\n## {title}\n\n| | forward | backward | CPU | CUDA | parity | graph |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    .unwrap();
}

#[test]
fn the_page_lists_every_operator() {
    let mut page = String::from(
        "# Operators\n\n\
         Written from the tests of `mednn`; do not edit. Each line is a fixture of outputs and gradients made by the reference\n\
         library (`crates/mednn/tests/parity/`), compared in f64 and f32, with finite differences in f64 where there is a gradient\n\
         and with the same bits for one, two and four threads. Under graph: recorded by `mednn::graph` and computed again to\n\
         the same bits. Under CUDA: compared with the CPU by `crates/mednn/tests/device`, on a device that `tools/cuda/emulate`\n\
         makes of the processor (the feature `cuda`), which shows that results agree and nothing about speed.\n",
    );
    let known = |name: &&str| {
        let by_hand = OPERATORS.iter().chain(LOSSES);
        by_hand.map(|op| op.name).any(|of| of == *name)
    };
    assert!(NOT_ON_CUDA.iter().all(known), "names of the page");
    table(&mut page, "Operators");
    let mut rows: Vec<(String, &str, bool)> = crate::SUITES
        .iter()
        .flat_map(|suite| suite.iter())
        .map(|op| (op.name.to_owned(), op.fixture, true))
        .chain(
            OPERATORS
                .iter()
                .map(|op| (op.name.to_owned(), op.fixture, op.backward)),
        )
        .collect();
    rows.sort();
    rows.dedup();
    for (name, fixture, backward) in &rows {
        // What has no gradient is no part of a network: it works on its results, or stands for operators of it.
        let graph = if *backward { "yes" } else { "none" };
        row(&mut page, name, fixture, *backward, graph);
    }
    table(&mut page, "Losses");
    for loss in LOSSES {
        row(&mut page, loss.name, loss.fixture, loss.backward, "none");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators.md");
    if std::env::var_os("UPDATE_OPERATORS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page,
        "docs/operators.md is out of date: set UPDATE_OPERATORS=1"
    );
}
