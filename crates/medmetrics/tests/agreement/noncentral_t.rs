//! SciPy's noncentral t distribution.

use medmetrics::statistics::noncentral_t;

use crate::support::{fixture, near, rows};

#[test]
fn the_distribution_is_scipys() {
    for row in rows(&fixture("noncentral_t")["cdf"]) {
        let [t, df, noncentrality, want] = row[..] else {
            panic!("a row of four")
        };
        let got = noncentral_t::cdf(t, df, noncentrality);
        near(got, want, 1e-10, &format!("{t} {df} {noncentrality}"));
    }
}

#[test]
fn quantiles_are_scipys() {
    for row in rows(&fixture("noncentral_t")["quantile"]) {
        let [p, df, noncentrality, want] = row[..] else {
            panic!("a row of four")
        };
        let got = noncentral_t::quantile(p, df, noncentrality);
        near(got, want, 1e-10, &format!("{p} {df} {noncentrality}"));
    }
}
