"""Parts of systems that make pictures: keypoints, warps, discriminators and losses of pictures.

Pictures are [B, 3, H, W] in [0, 1]; places are (x, y) in [-1, 1] over the whole picture, a pixel's centre at half of
it (``align_corners=False``), so that they mean the same at every size.
"""
