"""What a design becomes: the repository that a platform team inherits, generated file by file from one evaluation."""
