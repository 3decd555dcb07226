"""Defects put into the product one at a time: what each breaks, and which tests have to notice."""
