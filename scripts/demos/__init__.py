"""The programs of this repository, each shown doing its main job: one module a program, with `show`."""
