"""The rules of `penstock check`: what is wrong with a template, with the evidence in it and the remedy.

One file a family of rules; each rule is a function from a part of the template to its evidence, with the words of its
page beside it. `judgement` asks them all and heeds the suppressions; `registry` lists them.
"""
