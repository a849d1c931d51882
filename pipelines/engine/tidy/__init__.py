"""Remove what nobody needs any more."""
