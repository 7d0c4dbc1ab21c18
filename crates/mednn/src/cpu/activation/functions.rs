//! The activations one by one, as types, so that loops are compiled for each.

use crate::cpu::real::Real;

/// An activation as a type, so that loops are compiled for each.
pub(crate) trait Pointwise<T>: Copy + Send + Sync {
    /// The value at `z`.
    fn value(self, z: T) -> T;
    /// The derivative at `z`.
    fn derivative(self, z: T) -> T;
}

#[derive(Clone, Copy)]
pub(crate) struct Identity;
#[derive(Clone, Copy)]
pub(crate) struct Relu;
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu<T>(pub(crate) T);
#[derive(Clone, Copy)]
pub(crate) struct Elu<T>(pub(crate) T);
#[derive(Clone, Copy)]
pub(crate) struct Gelu;
#[derive(Clone, Copy)]
pub(crate) struct GeluTanh;
#[derive(Clone, Copy)]
pub(crate) struct Silu;
#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;
#[derive(Clone, Copy)]
pub(crate) struct Tanh;
#[derive(Clone, Copy)]
pub(crate) struct Relu6;
#[derive(Clone, Copy)]
pub(crate) struct Selu;
#[derive(Clone, Copy)]
pub(crate) struct Celu<T>(pub(crate) T);
#[derive(Clone, Copy)]
pub(crate) struct Mish;
#[derive(Clone, Copy)]
pub(crate) struct HardSigmoid;
#[derive(Clone, Copy)]
pub(crate) struct HardSwish;
#[derive(Clone, Copy)]
pub(crate) struct Softplus<T> {
    pub(crate) beta: T,
    pub(crate) threshold: T,
}

impl<T: Real> Pointwise<T> for Identity {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z
    }

    #[inline(always)]
    fn derivative(self, _: T) -> T {
        T::ONE
    }
}

impl<T: Real> Pointwise<T> for Relu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z < T::ZERO { T::ZERO } else { z }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        if z <= T::ZERO { T::ZERO } else { T::ONE }
    }
}

impl<T: Real> Pointwise<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        if z > T::ZERO { z } else { z * self.0 }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        if z > T::ZERO { T::ONE } else { self.0 }
    }
}

impl<T: Real> Pointwise<T> for Elu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let negative = self.0 * (z.exp() - T::ONE);
        if z > T::ZERO { z } else { negative }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let negative = self.0 * z.exp();
        if z > T::ZERO { T::ONE } else { negative }
    }
}

impl<T: Real> Pointwise<T> for Gelu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * normal_distribution(z)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let half = T::from_f64(0.5);
        let inverse_root_two_pi = T::from_f64(0.398_942_280_401_432_7);
        normal_distribution(z) + z * inverse_root_two_pi * (-half * z * z).exp()
    }
}

#[inline(always)]
fn normal_distribution<T: Real>(z: T) -> T {
    T::from_f64(0.5) * (T::ONE + (z * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

impl GeluTanh {
    const ROOT_TWO_OVER_PI: f64 = 0.797_884_560_802_865_4;
    const CUBIC: f64 = 0.044_715;

    #[inline(always)]
    fn argument<T: Real>(z: T) -> T {
        T::from_f64(Self::ROOT_TWO_OVER_PI) * (z + T::from_f64(Self::CUBIC) * z * z * z)
    }
}

impl<T: Real> Pointwise<T> for GeluTanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        T::from_f64(0.5) * z * (T::ONE + Self::argument(z).tanh())
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let half = T::from_f64(0.5);
        let t = Self::argument(z).tanh();
        let inner =
            T::from_f64(Self::ROOT_TWO_OVER_PI) * (T::ONE + T::from_f64(3.0 * Self::CUBIC) * z * z);
        half * (T::ONE + t) + half * z * (T::ONE - t * t) * inner
    }
}

impl<T: Real> Pointwise<T> for Silu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * z.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let s = z.sigmoid();
        s * (T::ONE + z * (T::ONE - s))
    }
}

impl<T: Real> Pointwise<T> for Sigmoid {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let s = z.sigmoid();
        s * (T::ONE - s)
    }
}

impl<T: Real> Pointwise<T> for Tanh {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z.tanh()
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let t = z.tanh();
        T::ONE - t * t
    }
}

/// The value between two bounds, NaN kept.
#[inline(always)]
fn clamp<T: Real>(z: T, low: T, high: T) -> T {
    let z = if z < low { low } else { z };
    if z > high { high } else { z }
}

impl<T: Real> Pointwise<T> for Relu6 {
    #[inline(always)]
    fn value(self, z: T) -> T {
        clamp(z, T::ZERO, T::from_f64(6.0))
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let outside = z <= T::ZERO || z >= T::from_f64(6.0);
        if outside { T::ZERO } else { T::ONE }
    }
}

impl Selu {
    const SCALE: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_2;
}

impl<T: Real> Pointwise<T> for Selu {
    #[inline(always)]
    fn value(self, z: T) -> T {
        T::from_f64(Self::SCALE) * Elu(T::from_f64(Self::ALPHA)).value(z)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        T::from_f64(Self::SCALE) * Elu(T::from_f64(Self::ALPHA)).derivative(z)
    }
}

impl<T: Real> Pointwise<T> for Celu<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let negative = self.0 * ((z / self.0).exp() - T::ONE);
        if z > T::ZERO { z } else { negative }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let negative = (z / self.0).exp();
        if z > T::ZERO { T::ONE } else { negative }
    }
}

impl Mish {
    /// `tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2)` with `e = exp(z)`, which is 1 long before `e^2` overflows.
    #[inline(always)]
    fn gate<T: Real>(z: T) -> T {
        let largest = T::from_f64(40.0);
        let e = (if z > largest { largest } else { z }).exp();
        let n = e * (e + T::from_f64(2.0));
        n / (n + T::from_f64(2.0))
    }
}

impl<T: Real> Pointwise<T> for Mish {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * Self::gate(z)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let gate = Self::gate(z);
        gate + z * (T::ONE - gate * gate) * z.sigmoid()
    }
}

impl<T: Real> Pointwise<T> for HardSigmoid {
    #[inline(always)]
    fn value(self, z: T) -> T {
        clamp(z + T::from_f64(3.0), T::ZERO, T::from_f64(6.0)) * T::from_f64(1.0 / 6.0)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        T::from_f64(1.0 / 6.0).keep_if(z.abs() < T::from_f64(3.0))
    }
}

impl<T: Real> Pointwise<T> for HardSwish {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z * HardSigmoid.value(z)
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        HardSigmoid.value(z) + z * HardSigmoid.derivative(z)
    }
}

impl<T: Real> Pointwise<T> for Softplus<T> {
    #[inline(always)]
    fn value(self, z: T) -> T {
        let scaled = self.beta * z;
        // ln(1 + e^s) = max(s, 0) + ln(1 + e^-|s|); what the sum with 1 rounds away comes back in first order.
        let e = (-scaled.abs()).exp();
        let sum = T::ONE + e;
        let lost = e - (sum - T::ONE);
        let positive = if scaled < T::ZERO { T::ZERO } else { scaled };
        let soft = (positive + (sum.ln() + lost / sum)) / self.beta;
        if scaled > self.threshold { z } else { soft }
    }

    #[inline(always)]
    fn derivative(self, z: T) -> T {
        let scaled = self.beta * z;
        let soft = scaled.sigmoid();
        if scaled > self.threshold {
            T::ONE
        } else {
            soft
        }
    }
}
