//! What place a process was given among those that learn together.

use crate::error::{Error, Result};

/// Who started the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Launcher {
    /// `torchrun`, a PyTorch job of Kubernetes, or whoever sets the same variables.
    Torchrun,
    /// `mpirun` of Open MPI.
    OpenMpi,
    /// `srun` of SLURM.
    Slurm,
    /// Nobody: the process is alone.
    Alone,
}

/// The place of a process among those that learn together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Launch {
    /// Who said so.
    pub launcher: Launcher,
    /// The number of the process, from zero.
    pub rank: usize,
    /// How many processes there are.
    pub world_size: usize,
    /// The number of the process on its machine: which device to take.
    pub local_rank: usize,
    /// Where rank 0 can be met, if the launcher says so: a host and a port that torchrun itself does not listen on.
    pub meeting: Option<(String, u16)>,
}

/// The variables of one launcher.
struct Variables {
    launcher: Launcher,
    rank: &'static str,
    world_size: &'static str,
    local_rank: &'static str,
}

/// Asked in this order: torchrun may run under SLURM, and `mpirun` too.
const KNOWN: [Variables; 3] = [
    Variables {
        launcher: Launcher::Torchrun,
        rank: "RANK",
        world_size: "WORLD_SIZE",
        local_rank: "LOCAL_RANK",
    },
    Variables {
        launcher: Launcher::OpenMpi,
        rank: "OMPI_COMM_WORLD_RANK",
        world_size: "OMPI_COMM_WORLD_SIZE",
        local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
    },
    Variables {
        launcher: Launcher::Slurm,
        rank: "SLURM_PROCID",
        world_size: "SLURM_NTASKS",
        local_rank: "SLURM_LOCALID",
    },
];

/// The port where ranks of SLURM meet, if no other is named.
const PORT: u16 = 29_600;

impl Launch {
    /// The place named by this process's environment.
    ///
    /// # Errors
    /// As [`Launch::from_variables`].
    pub fn from_environment() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The place named by variables: those of torchrun, Open MPI or SLURM, whichever are there first; alone without any.
    ///
    /// ```
    /// use medtrain::dist::Launch;
    ///
    /// let set = [("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_SIZE", "4")];
    /// let launch = Launch::from_variables(|name| {
    ///     set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    /// })?;
    /// assert_eq!((launch.rank, launch.world_size), (3, 4));
    /// # Ok::<(), medtrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses a rank without a number of ranks, values that are no numbers, and a rank beyond the number of ranks.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(known) = KNOWN.iter().find(|known| variable(known.rank).is_some()) else {
            return Ok(Self {
                launcher: Launcher::Alone,
                rank: 0,
                world_size: 1,
                local_rank: 0,
                meeting: None,
            });
        };
        let rank = number(&variable, known.rank)?;
        let world_size = number(&variable, known.world_size)?;
        if rank >= world_size {
            return Err(Error::Launch {
                variable: known.rank,
                rule: "below the number of processes",
                value: format!("{rank} of {world_size}"),
            });
        }
        let local_rank = match variable(known.local_rank) {
            Some(_) => number(&variable, known.local_rank)?,
            None => rank,
        };
        Ok(Self {
            launcher: known.launcher,
            rank,
            world_size,
            local_rank,
            meeting: meeting(&variable)?,
        })
    }
}

/// Where rank 0 can be met: at `MED_PORT`, or the port after torchrun's own, which its agent keeps.
fn meeting(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<(String, u16)>> {
    let first_node = || Some(first_host(&variable("SLURM_JOB_NODELIST")?));
    let Some(host) = variable("MASTER_ADDR").or_else(first_node) else {
        return Ok(None);
    };
    let port = if variable("MED_PORT").is_some() {
        port(variable, "MED_PORT", "a port, at most 65535")?
    } else if variable("MASTER_PORT").is_some() {
        let rule = "a port, at most 65534";
        let own = port(variable, "MASTER_PORT", rule)?;
        own.checked_add(1).ok_or_else(|| Error::Launch {
            variable: "MASTER_PORT",
            rule,
            value: own.to_string(),
        })?
    } else {
        PORT
    };
    Ok(Some((host, port)))
}

fn port(
    variable: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    rule: &'static str,
) -> Result<u16> {
    let value = variable(name).unwrap_or_default();
    value.trim().parse().map_err(|_| Error::Launch {
        variable: name,
        rule,
        value,
    })
}

/// The first host of SLURM's short form: `node[03-07,9],other` is `node03`.
fn first_host(list: &str) -> String {
    let end = list.find([',', '[']).unwrap_or(list.len());
    let (name, rest) = list.split_at(end);
    let Some(numbers) = rest.strip_prefix('[') else {
        return name.to_owned();
    };
    let end = numbers.find([',', '-', ']']).unwrap_or(numbers.len());
    let suffix = numbers.find(']').map_or("", |close| &numbers[close + 1..]);
    let suffix = suffix.split(',').next().unwrap_or("");
    format!("{name}{}{suffix}", &numbers[..end])
}

fn number(variable: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<usize> {
    let value = variable(name).unwrap_or_default();
    value.trim().parse().map_err(|_| Error::Launch {
        variable: name,
        rule: "a whole number",
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(set: &[(&str, &str)]) -> Result<Launch> {
        Launch::from_variables(|name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn torchrun_is_asked_before_slurm_and_its_own_port_is_left_alone() {
        let set = [
            ("RANK", "2"),
            ("WORLD_SIZE", "4"),
            ("LOCAL_RANK", "1"),
            ("MASTER_ADDR", "gpu7"),
            ("MASTER_PORT", "29500"),
            ("SLURM_PROCID", "0"),
            ("SLURM_NTASKS", "1"),
        ];
        let found = launch(&set).unwrap();
        assert_eq!(found.launcher, Launcher::Torchrun);
        assert_eq!((found.rank, found.world_size, found.local_rank), (2, 4, 1));
        assert_eq!(found.meeting, Some(("gpu7".to_owned(), 29_501)));
    }

    #[test]
    fn slurm_names_its_first_node() {
        for (list, first) in [
            ("node[03-07,9],other", "node03"),
            ("alpha,beta", "alpha"),
            ("gpu[1,3]-ib", "gpu1-ib"),
            ("single", "single"),
        ] {
            let set = [
                ("SLURM_PROCID", "1"),
                ("SLURM_NTASKS", "2"),
                ("SLURM_LOCALID", "1"),
                ("SLURM_JOB_NODELIST", list),
            ];
            let found = launch(&set).unwrap();
            assert_eq!(found.meeting, Some((first.to_owned(), PORT)), "{list}");
        }
    }

    #[test]
    fn without_variables_a_process_is_alone() {
        let found = launch(&[]).unwrap();
        assert_eq!(
            (found.launcher, found.rank, found.world_size),
            (Launcher::Alone, 0, 1)
        );
    }

    #[test]
    fn a_port_that_is_none_is_blamed_on_its_variable() {
        let meet = |name: &'static str, value: &'static str| {
            launch(&[
                ("RANK", "0"),
                ("WORLD_SIZE", "1"),
                ("MASTER_ADDR", "a"),
                (name, value),
            ])
        };
        for (name, value) in [
            ("MASTER_PORT", "18446744073709551615"),
            ("MASTER_PORT", "65535"),
            ("MASTER_PORT", "-1"),
            ("MED_PORT", "65536"),
            ("MED_PORT", "port"),
        ] {
            match meet(name, value).unwrap_err() {
                Error::Launch {
                    variable,
                    value: found,
                    ..
                } => assert_eq!((variable, &found[..]), (name, value)),
                other => panic!("{other}"),
            }
        }
        let port = |name, value| meet(name, value).unwrap().meeting.unwrap().1;
        assert_eq!(port("MED_PORT", "65535"), 65_535);
        assert_eq!(port("MASTER_PORT", "65534"), 65_535);
    }

    #[test]
    fn variables_that_make_no_sense_are_refused_by_name() {
        for set in [
            &[("RANK", "0")][..],
            &[("RANK", "two"), ("WORLD_SIZE", "4")],
            &[("RANK", "4"), ("WORLD_SIZE", "4")],
            &[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "-1")],
            &[
                ("RANK", "0"),
                ("WORLD_SIZE", "1"),
                ("MASTER_ADDR", "a"),
                ("MASTER_PORT", "65535"),
            ],
        ] {
            assert!(matches!(launch(set), Err(Error::Launch { .. })), "{set:?}");
        }
    }
}
