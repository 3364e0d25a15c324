//! The door from outside: behind the edge as in the program, before services that only say what reached them.

#[cfg(test)]
mod door;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod order_page;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod staleness;
#[cfg(test)]
mod tokens;
