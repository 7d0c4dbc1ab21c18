//! How close an image is to a reference: PSNR, SSIM, absolute error.
