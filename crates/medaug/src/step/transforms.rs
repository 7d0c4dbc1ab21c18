//! The types that the list of all transforms becomes.

/// Makes [`Operation`](crate::Operation) and [`Step`](crate::Step) of the list.
macro_rules! transforms {
    (
        spatial: [$($spatial:ident),* $(,)?],
        channel: [$($channel:ident),* $(,)?],
        sample: [$($sample:ident),* $(,)?],
        random: [$($random:ident),* $(,)?],
        choice: [$($choice:ident),* $(,)?] $(,)?
    ) => {
        /// One thing done to a sample, with all its numbers, by name.
        ///
        /// ```
        /// use medaug::{Brightness, Operation, Sample};
        /// use medcore::{Geometry, Image};
        ///
        /// let twice: Operation = serde_json::from_str(r#"{"Brightness": {"factor": 2.0}}"#)?;
        /// assert_eq!(twice, Brightness { factor: 2.0 }.into());
        /// let image = Image::new(Geometry::axis_aligned([1, 2], [1.0; 2])?, vec![1.0, 3.0])?;
        /// assert_eq!(twice.apply_to(Sample::new(image))?.image().as_slice(), [2.0, 6.0]);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!("See [`", stringify!($spatial), "`].")] $spatial($spatial),)*
            $(#[doc = concat!("See [`", stringify!($channel), "`].")] $channel(PerChannel<$channel>),)*
            $(#[doc = concat!("See [`", stringify!($sample), "`].")] $sample($sample),)*
            /// See [`On`].
            On(Box<On<Operation>>),
        }

        /// One step of a pipeline, by name: an operation that is always done, a transform that draws, or a choice.
        ///
        /// ```
        /// use medaug::Step;
        ///
        /// let step: Step = serde_json::from_str(r#"{"RandomGamma": {"probability": 0.3}}"#)?;
        /// assert!(matches!(step, Step::RandomGamma(gamma) if gamma.retain_statistics));
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $(#[doc = concat!("See [`", stringify!($spatial), "`].")] $spatial($spatial),)*
            $(#[doc = concat!("See [`", stringify!($channel), "`].")] $channel(PerChannel<$channel>),)*
            $(#[doc = concat!("See [`", stringify!($sample), "`].")] $sample($sample),)*
            $(#[doc = concat!("See [`", stringify!($random), "`].")] $random($random),)*
            $(#[doc = concat!("See [`", stringify!($choice), "`].")] $choice($choice),)*
            /// See [`On`].
            On(Box<On<Step>>),
        }

        $(
            impl From<$spatial> for Operation {
                fn from(operation: $spatial) -> Self {
                    Self::$spatial(operation)
                }
            }
        )*
        $(
            impl From<$channel> for Operation {
                fn from(operation: $channel) -> Self {
                    Self::$channel(operation.into())
                }
            }
            impl From<PerChannel<$channel>> for Operation {
                fn from(operation: PerChannel<$channel>) -> Self {
                    Self::$channel(operation)
                }
            }
            impl From<PerChannel<$channel>> for Step {
                fn from(operation: PerChannel<$channel>) -> Self {
                    Self::$channel(operation)
                }
            }
            impl From<$channel> for Step {
                fn from(operation: $channel) -> Self {
                    Self::$channel(operation.into())
                }
            }
        )*
        $(
            impl From<$sample> for Operation {
                fn from(operation: $sample) -> Self {
                    Self::$sample(operation)
                }
            }
        )*
        transforms!(@steps $($spatial)* $($sample)* $($random)* $($choice)*);

        impl From<Operation> for Step {
            fn from(operation: Operation) -> Self {
                match operation {
                    $(Operation::$spatial(operation) => Self::$spatial(operation),)*
                    $(Operation::$channel(operation) => Self::$channel(operation),)*
                    $(Operation::$sample(operation) => Self::$sample(operation),)*
                    Operation::On(on) => Self::On(Box::new(On {
                        target: on.target,
                        inner: on.inner.into(),
                    })),
                }
            }
        }

        impl Operation {
            /// Its name, as in JSON.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$spatial(_) => stringify!($spatial),)*
                    $(Self::$channel(_) => stringify!($channel),)*
                    $(Self::$sample(_) => stringify!($sample),)*
                    Self::On(on) => on.inner.name(),
                }
            }

            /// Checks the parameters for samples of `D` axes.
            ///
            /// # Errors
            /// Names the first parameter that breaks its rule.
            pub fn check<const D: usize>(&self) -> Result<()> {
                match D {
                    2 => once::two::check_operation(self),
                    3 => once::three::check_operation(self),
                    _ => self.check_generic::<D>(),
                }
            }

            pub(super) fn check_generic<const D: usize>(&self) -> Result<()> {
                match self {
                    $(Self::$spatial(operation) => SpatialOperation::<D>::check(operation),)*
                    $(Self::$channel(operation) => operation.check(D),)*
                    $(Self::$sample(operation) => SampleOperation::<D>::check(operation),)*
                    Self::On(on) => on.inner.check::<D>(),
                }
            }

            /// What it needs beside an image.
            #[must_use]
            pub fn needs<const D: usize>(&self) -> Contents {
                match D {
                    2 => once::two::needs_of_operation(self),
                    3 => once::three::needs_of_operation(self),
                    _ => self.needs_generic::<D>(),
                }
            }

            pub(super) fn needs_generic<const D: usize>(&self) -> Contents {
                match self {
                    $(Self::$sample(operation) => SampleOperation::<D>::needs(operation),)*
                    Self::On(on) => on.target.needs(on.inner.needs::<D>()),
                    _ => Contents::default(),
                }
            }

            /// Where each voxel of the result lies in a sample on `grid`; `None` when none moves.
            ///
            /// # Errors
            /// Refuses a grid that the parameters do not fit.
            pub fn warp<const D: usize>(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
                match D {
                    2 => once::found(grid, |grid| once::two::warp(self, grid)),
                    3 => once::found(grid, |grid| once::three::warp(self, grid)),
                    _ => self.warp_generic(grid),
                }
            }

            pub(super) fn warp_generic<const D: usize>(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
                match self {
                    $(Self::$spatial(operation) => operation.warp(grid).map(Some),)*
                    $(Self::$sample(operation) => operation.warp(grid),)*
                    _ => Ok(None),
                }
            }

            /// Does it, or lets it wait if it only moves voxels.
            ///
            /// # Errors
            /// Refuses a sample that lacks what it needs or that its parameters do not fit.
            pub fn apply<const D: usize>(&self, sample: LazySample<D>) -> Result<LazySample<D>> {
                match D {
                    2 => once::through(sample, |sample| once::two::apply(self, sample)),
                    3 => once::through(sample, |sample| once::three::apply(self, sample)),
                    _ => self.apply_generic(sample),
                }
            }

            pub(super) fn apply_generic<const D: usize>(&self, mut sample: LazySample<D>) -> Result<LazySample<D>> {
                match self {
                    $(Self::$spatial(operation) => {
                        sample.push(operation.warp(sample.geometry())?)?;
                        Ok(sample)
                    })*
                    $(Self::$channel(operation) => {
                        operation.apply(stringify!($channel), sample.sample()?)?;
                        Ok(sample)
                    })*
                    $(Self::$sample(operation) => sample.change(|sample| operation.apply(sample)),)*
                    Self::On(on) => on.apply(sample),
                }
            }

            /// Does it to a sample at once.
            ///
            /// # Errors
            /// As [`Operation::apply`].
            pub fn apply_to<const D: usize>(&self, sample: Sample<D>) -> Result<Sample<D>> {
                self.apply(sample.into_lazy())?.finish()
            }
        }

        impl Step {
            /// The names of all steps but `On`, in the order of their kinds.
            pub const NAMES: &'static [&'static str] = &[
                $(stringify!($spatial),)*
                $(stringify!($channel),)*
                $(stringify!($sample),)*
                $(stringify!($random),)*
                $(stringify!($choice),)*
            ];

            /// Its name, as in JSON: random numbers are drawn under it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$spatial(_) => stringify!($spatial),)*
                    $(Self::$channel(_) => stringify!($channel),)*
                    $(Self::$sample(_) => stringify!($sample),)*
                    $(Self::$random(_) => stringify!($random),)*
                    $(Self::$choice(_) => $choice::NAME,)*
                    Self::On(on) => on.inner.name(),
                }
            }

            /// Checks the parameters for samples of `D` axes.
            ///
            /// # Errors
            /// Names the first parameter that breaks its rule.
            pub fn check<const D: usize>(&self) -> Result<()> {
                match D {
                    2 => once::two::check(self),
                    3 => once::three::check(self),
                    _ => self.check_generic::<D>(),
                }
            }

            pub(super) fn check_generic<const D: usize>(&self) -> Result<()> {
                match self {
                    $(Self::$spatial(operation) => SpatialOperation::<D>::check(operation),)*
                    $(Self::$channel(operation) => operation.check(D),)*
                    $(Self::$sample(operation) => SampleOperation::<D>::check(operation),)*
                    $(Self::$random(transform) => Transform::<D>::check(transform),)*
                    $(Self::$choice(choice) => choice.check::<D>(),)*
                    Self::On(on) => on.inner.check::<D>(),
                }
            }

            /// What it needs beside an image.
            #[must_use]
            pub fn needs<const D: usize>(&self) -> Contents {
                match D {
                    2 => once::two::needs(self),
                    3 => once::three::needs(self),
                    _ => self.needs_generic::<D>(),
                }
            }

            pub(super) fn needs_generic<const D: usize>(&self) -> Contents {
                match self {
                    $(Self::$sample(operation) => SampleOperation::<D>::needs(operation),)*
                    $(Self::$random(transform) => Transform::<D>::needs(transform),)*
                    $(Self::$choice(choice) => choice.needs::<D>(),)*
                    Self::On(on) => on.target.needs(on.inner.needs::<D>()),
                    _ => Contents::default(),
                }
            }

            /// What a sample surely holds after it that held `before`.
            #[must_use]
            pub fn after<const D: usize>(&self, before: Contents) -> Contents {
                match self {
                    $(Self::$sample(operation) => SampleOperation::<D>::after(operation, before),)*
                    $(Self::$random(transform) => Transform::<D>::after(transform, before),)*
                    $(Self::$choice(choice) => choice.after::<D>(before),)*
                    _ => before,
                }
            }

            /// Whether what it does depends on the key.
            #[must_use]
            pub fn is_random<const D: usize>(&self) -> bool {
                match D {
                    2 => once::two::is_random(self),
                    3 => once::three::is_random(self),
                    _ => self.is_random_generic::<D>(),
                }
            }

            pub(super) fn is_random_generic<const D: usize>(&self) -> bool {
                match self {
                    $(Self::$random(transform) => Transform::<D>::is_random(transform),)*
                    $(Self::$choice(choice) => choice.is_random::<D>(),)*
                    Self::On(on) => on.inner.is_random::<D>(),
                    _ => false,
                }
            }

            /// Decides under `key` what is done, does it, and adds it to `done`.
            ///
            /// # Errors
            /// Refuses a sample that lacks what it needs, and passes on what the operations refuse.
            pub fn run<const D: usize>(
                &self,
                sample: LazySample<D>,
                key: Key,
                done: &mut Vec<Operation>,
            ) -> Result<LazySample<D>> {
                match D {
                    2 => once::through(sample, |sample| once::two::run(self, sample, key, done)),
                    3 => once::through(sample, |sample| once::three::run(self, sample, key, done)),
                    _ => self.run_generic(sample, key, done),
                }
            }

            pub(super) fn run_generic<const D: usize>(
                &self,
                mut sample: LazySample<D>,
                key: Key,
                done: &mut Vec<Operation>,
            ) -> Result<LazySample<D>> {
                let operations = match self {
                    $(Self::$spatial(operation) => vec![operation.clone().into()],)*
                    $(Self::$channel(operation) => vec![operation.clone().into()],)*
                    $(Self::$sample(operation) => vec![operation.clone().into()],)*
                    $(Self::$random(transform) => transform.draw(&mut sample, key)?,)*
                    $(Self::$choice(choice) => return choice.run(sample, key, done),)*
                    Self::On(on) => return on.run(sample, key, done),
                };
                for operation in operations {
                    sample = operation.apply(sample)?;
                    done.push(operation);
                }
                Ok(sample)
            }
        }
    };
    (@steps $($transform:ident)*) => {
        $(
            impl From<$transform> for Step {
                fn from(transform: $transform) -> Self {
                    Self::$transform(transform)
                }
            }
        )*
    };
}

pub(super) use transforms;
