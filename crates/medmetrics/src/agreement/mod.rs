//! How far raters, devices and models agree: kappa, alpha, ICC, concordance, Bland-Altman.
