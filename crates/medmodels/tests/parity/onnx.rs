//! Networks and operators as ONNX: what stands in the file, and, in the folder that `MED_ONNX_OUT` names, models with inputs
//! and expected outputs for `tools/onnx_check.py`, which runs them elsewhere.

mod guide;
mod operators;
pub(crate) mod reader;

use std::collections::HashSet;
use std::path::Path;

use medmodels::onnx::{Export, Fault, Intensity, Metadata, Preprocessing};
use medmodels::resnet::ResNetConfig;
use medmodels::unet::UNetConfig;
use medmodels::{Error, create};
use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{GridInterpolation, GridSampleConfig};
use mednn::params::{Init, Params};
use reader::Attribute;

use crate::laws::networks;
use crate::reference::{fill, tensor};

/// Sizes of the batch for which a model with a dynamic one is run.
pub(crate) const BATCHES: [usize; 3] = [1, 2, 5];

/// The file of a network, read back, after what holds for every file.
pub(crate) fn exported(export: &Export<'_>) -> reader::Model {
    let model = export.build().unwrap();
    let bytes = model.to_bytes().unwrap();
    assert_eq!(bytes.len(), model.byte_len());
    assert!(bytes == export.build().unwrap().to_bytes().unwrap());
    let read = reader::read(&bytes);
    assert_eq!((read.ir_version, read.opset), (9, 20));
    assert_eq!(read.producer, "medmodels");
    let mut known: HashSet<&str> = read.initialisers.keys().map(String::as_str).collect();
    for input in &read.inputs {
        assert!(known.insert(&input.name), "{} is there twice", input.name);
    }
    let mut names = HashSet::new();
    for node in &read.nodes {
        assert!(names.insert(&node.name), "{} is there twice", node.name);
        for input in node.inputs.iter().filter(|name| !name.is_empty()) {
            assert!(known.contains(input.as_str()), "{input} of {}", node.name);
        }
        for output in &node.outputs {
            assert!(known.insert(output), "{output} is made twice");
        }
    }
    for output in &read.outputs {
        assert!(known.contains(output.name.as_str()), "{}", output.name);
    }
    let read_by_nodes: HashSet<&str> = (read.nodes.iter())
        .flat_map(|node| node.inputs.iter().map(String::as_str))
        .collect();
    for name in read.initialisers.keys() {
        assert!(
            read_by_nodes.contains(name.as_str()),
            "nothing reads {name}"
        );
    }
    read
}

/// Writes a model and what it gives, if the environment names a folder.
pub(crate) fn hand_out(name: &str, network: &dyn Model, inputs: &[Inputs], dynamic: bool) {
    let Some(folder) = std::env::var_os("MED_ONNX_OUT") else {
        return;
    };
    let folder = Path::new(&folder).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let export = Export::new(network, &inputs[0]).with_dynamic_batch(dynamic);
    export.write(folder.join("model.onnx")).unwrap();
    for (case, inputs) in inputs.iter().enumerate() {
        let outputs = network.forward(inputs, &Context::evaluate()).unwrap();
        let given = inputs.iter();
        let mut all: Vec<_> = given
            .map(|(name, t)| (format!("input.{name}"), t.clone()))
            .collect();
        all.push(("output.logits".to_owned(), outputs.logits));
        for (i, t) in outputs.auxiliary.into_iter().enumerate() {
            all.push((format!("output.auxiliary.{i}"), t));
        }
        Tensor::write_npz(&all, folder.join(format!("case_{case}.npz"))).unwrap();
    }
}

#[test]
fn every_network_is_written_for_any_batch() {
    for (number, (config, shape)) in networks().into_iter().enumerate() {
        let network = create(&config, &Params::new(5)).unwrap();
        fill(&*network);
        let sized = |batch: usize| {
            let shape = [&[batch], &shape[1..]].concat();
            Inputs::from(tensor("image", &shape))
        };
        let first = sized(1);
        let read = exported(&Export::new(&*network, &first).with_dynamic_batch(true));
        assert_eq!(read.inputs.len(), 1);
        assert_eq!(read.inputs[0].name, "image");
        assert_eq!(read.inputs[0].dims[0], "batch");
        let outputs = network.forward(&first, &Context::evaluate()).unwrap();
        for (port, output) in read.outputs.iter().zip(outputs.scales()) {
            let lengths = output.dims()[1..].iter().map(usize::to_string);
            let dims: Vec<_> = ["batch".to_owned()].into_iter().chain(lengths).collect();
            assert_eq!(port.dims, dims, "{config:?}");
        }
        assert_eq!(read.outputs[0].name, "logits");
        // Parameters have their names and their bits; those of heads that only training has are left out.
        for parameter in network.params().parameters() {
            let Some(stored) = read.initialisers.get(parameter.name()) else {
                continue;
            };
            let value = parameter.value();
            let dims: Vec<usize> = stored.dims.iter().map(|dim| *dim as usize).collect();
            assert_eq!(dims, value.dims());
            let values = value.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(stored.floats() == values, "{}", parameter.name());
        }
        let name = format!(
            "{:02}_{}_{}d",
            number,
            config.architecture(),
            config.spatial_dims()
        );
        hand_out(&name, &*network, &BATCHES.map(sized), true);
    }
}

#[test]
fn a_model_of_one_size_says_it_and_its_features() {
    let config = ResNetConfig::resnet18(3).with_features([4, 6, 8, 8]);
    let network = create(&config.into(), &Params::new(5)).unwrap();
    let inputs = Inputs::from(tensor("image", &[2, 3, 35, 33]));
    let read = exported(&Export::new(&*network, &inputs).with_features(["layer2", "layer4"]));
    let names: Vec<_> = read.outputs.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["logits", "feature.layer2", "feature.layer4"]);
    assert_eq!(read.outputs[0].dims, ["2", "3"]);
    assert_eq!(read.inputs[0].dims, ["2", "3", "35", "33"]);
    let stem = &read.nodes[0];
    assert_eq!(
        (stem.op.as_str(), stem.name.as_str()),
        ("Conv", "conv1/conv_0/Conv")
    );
    assert_eq!(stem.inputs, ["image", "conv1.weight"]);
    assert_eq!(stem.attributes["strides"], Attribute::Ints(vec![2, 2]));
    assert_eq!(stem.attributes["pads"], Attribute::Ints(vec![3; 4]));
    assert!(
        read.nodes
            .iter()
            .any(|node| node.op == "BatchNormalization")
    );
}

#[test]
fn labels_and_preparation_stand_in_the_file() {
    let network = create(&UNetConfig::new_2d(1, 2, &[4, 8]).into(), &Params::new(5)).unwrap();
    let inputs = Inputs::from(tensor("image", &[1, 1, 16, 16]));
    let preparation = Preprocessing::new(2)
        .with_spacing_mm(&[0.5, 0.5])
        .with_channel(
            "CT",
            Intensity::Scale {
                from: [-100.0, 300.0],
                to: [0.0, 1.0],
                clip: true,
            },
        )
        .with_patch(&[16, 16]);
    let metadata = Metadata::new()
        .with_labels(["background", "liver"])
        .with_preprocessing(preparation.clone())
        .with_licence("CC-BY-4.0")
        .with_property("epoch", "12");
    let read = exported(&Export::new(&*network, &inputs).with_metadata(metadata.clone()));
    assert_eq!(read.properties["labels"], r#"["background","liver"]"#);
    assert_eq!(read.properties["licence"], "CC-BY-4.0");
    assert_eq!(read.properties["epoch"], "12");
    let found = serde_json::from_str::<Preprocessing>(&read.properties["preprocessing"]).unwrap();
    assert_eq!(found, preparation);
    assert_eq!(found.layout, ["batch", "channels", "height", "width"]);
    let twice = metadata.with_property("labels", "liver");
    let refused = Export::new(&*network, &inputs).with_metadata(twice).build();
    assert!(refused.unwrap_err().to_string().contains("labels"));
}

/// What a network computes of inputs and parameters.
type Run<'a> = dyn Fn(&Inputs, &[Tensor]) -> mednn::Result<Vec<Tensor>> + Send + Sync + 'a;

/// A network of one function.
struct Function<'a> {
    params: Params,
    run: &'a Run<'a>,
}

impl Model for Function<'_> {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let parameters = self.params.parameters();
        let constants: Vec<Tensor> = parameters.iter().map(|p| p.tensor(context)).collect();
        let mut found = (self.run)(inputs, &constants)?;
        let logits = found.remove(0);
        Ok(Outputs::new(logits).with_auxiliary(found))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

fn refused(inputs: &Inputs, run: impl Fn(&Inputs) -> mednn::Result<Tensor> + Send + Sync) -> Fault {
    let network = Function {
        params: Params::new(1),
        run: &move |inputs, _| Ok(vec![run(inputs)?]),
    };
    match Export::new(&network, inputs)
        .with_dynamic_batch(true)
        .build()
    {
        Err(Error::Onnx(fault)) => *fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_follow_the_batch_is_refused() {
    let inputs = Inputs::from(tensor("image", &[1, 4, 6]));
    // The batch as a factor of a summand's shape.
    let fault = refused(&inputs, |inputs| {
        let image = inputs.image()?;
        let rows = mednn::ops::reshape(image, &[image.dims()[0] * 4, 6])?;
        mednn::ops::narrow(&rows, 0, 0, rows.dims()[0] - 1)
    });
    assert!(
        matches!(
            &fault,
            Fault::Operator {
                op: "narrow",
                layer: None,
                ..
            }
        ),
        "{fault}"
    );
    assert!(
        fault
            .to_string()
            .contains("depend on the size of the batch"),
        "{fault}"
    );
    let fault = refused(&inputs, |inputs| {
        let rows = mednn::ops::reshape(inputs.image()?, &[inputs.image()?.dims()[0] * 4, 6])?;
        mednn::ops::narrow(&rows, 0, 1, 3)
    });
    assert!(fault.to_string().contains("axis 0"), "{fault}");
    let fault = refused(&inputs, |inputs| {
        let mut image = inputs.image()?.clone();
        for _ in 0..image.dims()[0] {
            image = mednn::ops::scale(&image, 2.0)?;
        }
        Ok(image)
    });
    assert!(matches!(fault, Fault::Operator { .. }), "{fault}");
    let other = inputs.clone().with("age", tensor("age", &[2, 1]));
    let fault = refused(&other, |inputs| Ok(inputs.image()?.clone()));
    assert!(
        matches!(&fault, Fault::Input { name, .. } if name == "image"),
        "{fault}"
    );
}

#[test]
fn what_onnx_cannot_say_names_the_operator() {
    let wide = Inputs::from(tensor("image", &[1, 4, 6]).to_dtype(DType::F64).unwrap());
    let fault = refused(&wide, |inputs| mednn::ops::scale(inputs.image()?, 2.0));
    assert!(
        matches!(&fault, Fault::ElementType { got: "f64", .. }),
        "{fault}"
    );
    let volume = Inputs::from(tensor("image", &[1, 2, 4, 4, 4]))
        .with("grid", tensor("grid", &[1, 2, 2, 2, 3]));
    let params = Params::new(1);
    let stem = params.root().child("encoder.stem");
    stem.parameter("weight", &[2, 1, 1, 1], Init::ONES).unwrap();
    let cubic = GridSampleConfig::new().with_interpolation(GridInterpolation::Cubic);
    let network = Function {
        params,
        run: &|inputs, weights| {
            let image = mednn::ops::multiply(inputs.image()?, &weights[0])?;
            let grid = inputs.get("grid")?;
            Ok(vec![mednn::ops::grid_sample::<3>(&image, grid, &cubic)?])
        },
    };
    let refused = Export::new(&network, &volume).build().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ONNX: grid_sample in or after layer \"encoder.stem\": Cubic in 3D; ONNX has it in 2D"
    );
}

#[test]
fn a_shape_takes_the_batch_from_its_input() {
    let inputs = Inputs::from(tensor("image", &[1, 4, 6]));
    let network = Function {
        params: Params::new(1),
        run: &|inputs: &Inputs, _: &[Tensor]| {
            let batch = inputs.image()?.dims()[0];
            let flat = mednn::ops::reshape(inputs.image()?, &[batch, 24])?;
            let rows = mednn::ops::reshape(&flat, &[batch * 4, 6])?;
            Ok(vec![mednn::ops::reshape(&rows, &[2, 2 * batch, 6])?])
        },
    };
    let shapes = |read: &reader::Model| -> Vec<Vec<i64>> {
        let reshapes = read.nodes.iter().filter(|node| node.op == "Reshape");
        let shape = |node: &reader::Node| read.initialisers[&node.inputs[1]].integers();
        reshapes.map(shape).collect()
    };
    let export = Export::new(&network, &inputs);
    assert_eq!(
        shapes(&exported(&export)),
        [vec![1, 24], vec![4, 6], vec![2, 2, 6]]
    );
    let read = exported(&export.with_dynamic_batch(true));
    assert_eq!(shapes(&read), [vec![0, 24], vec![-1, 6], vec![2, -1, 6]]);
    assert_eq!(read.outputs[0].dims, ["2", "2*batch", "6"]);
}

#[test]
fn results_that_are_inputs_or_one_tensor_get_names_of_their_own() {
    let network = Function {
        params: Params::new(1),
        run: &|inputs: &Inputs, _: &[Tensor]| {
            let image = inputs.image()?;
            let twice = mednn::ops::scale(image, 2.0)?;
            Ok(vec![twice.clone(), twice, image.clone()])
        },
    };
    let inputs = Inputs::from(tensor("image", &[1, 3]));
    let read = exported(&Export::new(&network, &inputs));
    let made: Vec<_> = read
        .nodes
        .iter()
        .map(|n| (n.op.as_str(), n.outputs[0].as_str()))
        .collect();
    let expected = [
        ("Mul", "logits"),
        ("Identity", "auxiliary.0"),
        ("Identity", "auxiliary.1"),
    ];
    assert_eq!(made, expected);
    assert_eq!(read.nodes[1].inputs, ["logits"]);
    assert_eq!(read.nodes[2].inputs, ["image"]);
}
