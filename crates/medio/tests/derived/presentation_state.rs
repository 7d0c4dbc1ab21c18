//! Presentation states, written, read back and judged.

use medio::dicom::{
    Annotation, AnnotationUnits, Dataset, DisplayedArea, Figure, FigureKind, GraphicLayer,
    PresentationSize, PresentationState, Source, Tag, TextAlignment, TextAnnotation, TextBox,
    VoiFunction, Window,
};
use serde_json::json;

use crate::judge::{Place, validate};
use crate::series::{COLUMNS, Lie, ROWS, creation, read};

fn state(source: &Source) -> PresentationState {
    let window = Window {
        explanation: Some("LUNG".into()),
        function: VoiFunction::Sigmoid,
        ..Window::new(-600.25, 1500.0)
    };
    let curve = Figure {
        kind: FigureKind::Interpolated,
        points: vec![[0.25, 0.25], [0.5, 0.75], [0.25, 0.25]],
        units: AnnotationUnits::Display,
        filled: true,
    };
    let note = TextAnnotation {
        text: "größter Durchmesser\r\n7,5 mm".into(),
        bounds: Some(TextBox {
            top_left: [0.0, 0.0],
            bottom_right: [0.5, 0.125],
            units: AnnotationUnits::Display,
            alignment: TextAlignment::Right,
        }),
        anchor: Some(([3.5, 4.25], AnnotationUnits::Pixel)),
        anchor_visible: true,
    };
    let nodule = Annotation::new("NODULES")
        .on(&source.frames()[2])
        .on(&source.frames()[3])
        .ellipse([[2.0, 5.0], [8.0, 5.0], [5.0, 3.5], [5.0, 6.5]])
        .polyline([[0.5, 0.5], [12.5, 10.5]])
        .circle([[5.0, 5.0], [6.0, 5.0]])
        .point([5.5, 5.5])
        .figure(curve)
        .text(note);
    PresentationState::new(source)
        .unwrap()
        .label("NODULES_1")
        .description("Herde, größte zuerst")
        .window(window)
        .layer(GraphicLayer {
            description: "what was found".into(),
            cie_lab: Some([40_000, 50_000, 30_000]),
            grey: Some(65_535),
            ..GraphicLayer::new("NODULES")
        })
        .layer(GraphicLayer::new("NOTES"))
        .annotation(nodule)
        .annotation(Annotation::new("NOTES").text_at("everywhere", [1.0, 2.0]))
}

fn expected(state: &PresentationState) -> serde_json::Value {
    let annotations = state.annotations.iter().map(|annotation| {
        let images = annotation.images.iter().map(|image| &image.instance_uid);
        let figures = annotation.figures.iter().map(|figure| {
            json!({
                "points": figure.points,
                "filled": figure.filled,
                "units": format!("{:?}", figure.units).to_uppercase(),
                "kind": format!("{:?}", figure.kind).to_uppercase(),
            })
        });
        let texts = annotation.texts.iter().map(|text| {
            json!({
                "text": text.text,
                "anchor": text.anchor.map(|(point, _)| point),
                "box": text.bounds.map(|b| [b.top_left, b.bottom_right]),
            })
        });
        json!({
            "layer": annotation.layer,
            "images": images.collect::<Vec<_>>(),
            "figures": figures.collect::<Vec<_>>(),
            "texts": texts.collect::<Vec<_>>(),
        })
    });
    let window = &state.voi[0].voi.windows[0];
    json!({
        "label": state.label,
        "description": state.description,
        "window": [window.center, window.width],
        "layers": state.layers.iter().map(|layer| &layer.name).collect::<Vec<_>>(),
        "images": state.series[0].images.iter().map(|i| &i.instance_uid).collect::<Vec<_>>(),
        "rescale": [1.0, -1024.0],
        "area": [[1, 1], [COLUMNS, ROWS]],
        "annotations": annotations.collect::<Vec<_>>(),
    })
}

#[test]
fn a_state_comes_back_as_it_was_written() {
    for lie in Lie::ALL {
        let place = Place::of(&format!("presentation-state-{}", lie.name()));
        let (_, source) = read(&place.path().join("ct"), lie);
        let state = state(&source);
        let path = place.path().join("state.dcm");
        state.write(&path, &creation("state")).unwrap();
        validate(&path);
        place.expect(&expected(&state));
        let again = PresentationState::read(&path).unwrap();
        let orders: Vec<_> = again.layers.iter().map(|layer| layer.order).collect();
        assert_eq!(orders, [Some(1), Some(2)]);
        let mut given = state.layers.clone();
        (given[0].order, given[1].order) = (Some(1), Some(2));
        assert_eq!(again.layers, given);
        assert_eq!(again.annotations, state.annotations);
        assert_eq!(again.series, state.series);
        let [area] = again.displayed_areas.as_slice() else {
            panic!("{again:?}")
        };
        assert_eq!((area.top_left, area.bottom_right), ([1, 1], [13, 11]));
        assert_eq!(area.spacing, Some([0.75, 0.5]));
        assert_eq!(again.voi, state.voi);
        assert_eq!(again.rescale, state.rescale);
        assert_eq!((again.label.as_str(), again.inverted), ("NODULES_1", false));
        assert_eq!(again.description, state.description);
        // A state that was read can be written again.
        let second = place.path().join("again.dcm");
        again.write(&second, &creation("again")).unwrap();
        validate(&second);
        let third = PresentationState::read(&second).unwrap();
        assert_eq!(third.annotations, state.annotations);
    }
}

#[test]
fn parts_of_images_and_sizes_are_kept() {
    let place = Place::of("presentation-areas");
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let area = |k: usize, size, spacing, aspect| DisplayedArea {
        images: vec![(&source.frames()[k]).into()],
        top_left: [2, 3],
        bottom_right: [9, 8],
        size,
        spacing,
        aspect,
    };
    let mut state = PresentationState::new(&source).unwrap();
    state.inverted = true;
    state.displayed_areas = vec![
        area(0, PresentationSize::TrueSize, Some([0.75, 0.5]), None),
        area(1, PresentationSize::Magnify(2.0), None, Some([3, 2])),
        area(2, PresentationSize::ScaleToFit, None, Some([1, 1])),
    ];
    state.displayed_areas[2]
        .images
        .extend([3, 4].map(|k| (&source.frames()[k]).into()));
    let path = place.path().join("state.dcm");
    state.write(&path, &creation("areas")).unwrap();
    validate(&path);
    let again = PresentationState::read(&path).unwrap();
    assert_eq!(again.displayed_areas, state.displayed_areas);
    assert!(again.inverted);
}

#[test]
fn what_breaks_the_rules_is_not_written() {
    let place = Place::of("presentation-refused");
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let new = || PresentationState::new(&source).unwrap();
    let refused = |state: PresentationState, words: &str| {
        let error = state.to_dataset(&creation("no")).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let with = |annotation| new().layer(GraphicLayer::new("A")).annotation(annotation);
    refused(new().label("small letters"), "capitals");
    refused(
        new().annotation(Annotation::new("A").point([0.0; 2])),
        "name of a layer",
    );
    refused(new().layer(GraphicLayer::new("")), "capitals");
    let mut elsewhere = source.frames()[0].clone();
    elsewhere.instance_uid = "2.25.999".into();
    refused(
        with(Annotation::new("A").on(&elsewhere)),
        "images that the state is for",
    );
    refused(
        with(Annotation::new("A").polyline([[0.0; 2]])),
        "two points or more",
    );
    refused(with(Annotation::new("A").point([f32::NAN, 0.0])), "finite");
    refused(
        with(Annotation::new("A").text_at("", [0.0; 2])),
        "1 to 1024",
    );
    let line = Figure {
        kind: FigureKind::Polyline,
        points: vec![[0.0, 0.0], [1.0, 1.0]],
        units: AnnotationUnits::Pixel,
        filled: true,
    };
    refused(with(Annotation::new("A").figure(line)), "not closed");
}

#[test]
fn damaged_states_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, source) = read(folder.path(), Lie::Axial);
    let whole = state(&source).to_dataset(&creation("whole")).unwrap();
    let figure = |edit: &dyn Fn(&mut Dataset)| {
        let mut damaged = whole.clone();
        let mut annotations = damaged.items(Tag::GRAPHIC_ANNOTATION_SEQUENCE).to_vec();
        let mut figures = annotations[0].items(Tag::GRAPHIC_OBJECT_SEQUENCE).to_vec();
        edit(&mut figures[0]);
        annotations[0].set_items(Tag::GRAPHIC_OBJECT_SEQUENCE, figures);
        damaged.set_items(Tag::GRAPHIC_ANNOTATION_SEQUENCE, annotations);
        PresentationState::of(&damaged).unwrap_err().to_string()
    };
    let set = |tag, values: &'static [f64]| {
        figure(&move |item: &mut Dataset| item.set_floats(tag, values).unwrap())
    };
    assert!(set(Tag::GRAPHIC_DATA, &[1.0, 2.0, 3.0]).contains("whole points"));
    assert!(set(Tag::GRAPHIC_DATA, &[1.0, 2.0]).contains("four points"));
    assert!(set(Tag::NUMBER_OF_GRAPHIC_POINTS, &[7.0]).contains("7 for 4"));
    let kind = figure(&|item| item.set_text(Tag::GRAPHIC_TYPE, "BLOB").unwrap());
    assert!(kind.contains("BLOB"), "{kind}");
    let mut other = whole.clone();
    other
        .set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.11.2")
        .unwrap();
    assert!(PresentationState::of(&other).is_err());
}
