//! What the registry says of each network is so.

use medmodels::create;
use medmodels::registry::{self, Request};
use mednn::params::Params;

#[test]
fn every_network_is_what_its_entry_says() {
    let mut wrong = Vec::new();
    for entry in registry::entries() {
        for &(spatial_dims, _) in entry.images {
            let request = Request::new().with_spatial_dims(spatial_dims);
            let config = entry.config(&request).unwrap();
            assert_eq!(config.task(), entry.task, "{}", entry.name);
            assert_eq!(config.spatial_dims(), spatial_dims, "{}", entry.name);
            assert_eq!(config.in_channels(), entry.in_channels, "{}", entry.name);
            assert_eq!(config.out_channels(), entry.out_channels, "{}", entry.name);
        }
        let config = entry.config(&Request::new()).unwrap();
        let network = create(&config, &Params::new(1).zeroed()).unwrap();
        if network.params().count() != entry.parameters {
            wrong.push(format!("{} {}", entry.name, network.params().count()));
        }
    }
    assert!(wrong.is_empty(), "parameters:\n{}", wrong.join("\n"));
}
