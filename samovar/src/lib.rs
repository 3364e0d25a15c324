//! samovar
