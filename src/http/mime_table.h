/* Media types by extension. Made by tools/make-mime-table from mime-db 1.54.0; do not edit, change the tool.
 *
 * mime-db is Copyright (c) 2014 Jonathan Ong and (c) 2015-2022 Douglas Christopher Wilson, under the MIT
 * license. */
#ifndef HTTP_MIME_TABLE_H
#define HTTP_MIME_TABLE_H

/* clang-format off */

/*  name in C, Content-Type, whether compression makes it smaller */
#define MIME_TYPE_TABLE(X) \
    X(application_andrew_inset, "application/andrew-inset", 0) \
    X(application_appinstaller, "application/appinstaller", 0) \
    X(application_applixware, "application/applixware", 0) \
    X(application_appx, "application/appx", 0) \
    X(application_appxbundle, "application/appxbundle", 0) \
    X(application_atom_plus_xml, "application/atom+xml", 1) \
    X(application_atomcat_plus_xml, "application/atomcat+xml", 1) \
    X(application_atomdeleted_plus_xml, "application/atomdeleted+xml", 1) \
    X(application_atomsvc_plus_xml, "application/atomsvc+xml", 1) \
    X(application_atsc_dwd_plus_xml, "application/atsc-dwd+xml", 1) \
    X(application_atsc_held_plus_xml, "application/atsc-held+xml", 1) \
    X(application_atsc_rsat_plus_xml, "application/atsc-rsat+xml", 1) \
    X(application_automationml_aml_plus_xml, "application/automationml-aml+xml", 1) \
    X(application_automationml_amlx_plus_zip, "application/automationml-amlx+zip", 0) \
    X(application_bdoc, "application/bdoc", 0) \
    X(application_calendar_plus_xml, "application/calendar+xml", 1) \
    X(application_ccxml_plus_xml, "application/ccxml+xml", 1) \
    X(application_cdfx_plus_xml, "application/cdfx+xml", 1) \
    X(application_cdmi_capability, "application/cdmi-capability", 0) \
    X(application_cdmi_container, "application/cdmi-container", 0) \
    X(application_cdmi_domain, "application/cdmi-domain", 0) \
    X(application_cdmi_object, "application/cdmi-object", 0) \
    X(application_cdmi_queue, "application/cdmi-queue", 0) \
    X(application_cpl_plus_xml, "application/cpl+xml", 1) \
    X(application_cu_seeme, "application/cu-seeme", 0) \
    X(application_cwl, "application/cwl", 0) \
    X(application_dash_plus_xml, "application/dash+xml", 1) \
    X(application_davmount_plus_xml, "application/davmount+xml", 1) \
    X(application_dicom, "application/dicom", 0) \
    X(application_docbook_plus_xml, "application/docbook+xml", 1) \
    X(application_dssc_plus_der, "application/dssc+der", 0) \
    X(application_dssc_plus_xml, "application/dssc+xml", 1) \
    X(application_ecmascript, "application/ecmascript", 1) \
    X(application_emma_plus_xml, "application/emma+xml", 1) \
    X(application_emotionml_plus_xml, "application/emotionml+xml", 1) \
    X(application_epub_plus_zip, "application/epub+zip", 0) \
    X(application_exi, "application/exi", 0) \
    X(application_express, "application/express", 0) \
    X(application_fdf, "application/fdf", 0) \
    X(application_fdt_plus_xml, "application/fdt+xml", 1) \
    X(application_font_tdpfr, "application/font-tdpfr", 0) \
    X(application_geo_plus_json, "application/geo+json", 1) \
    X(application_gml_plus_xml, "application/gml+xml", 1) \
    X(application_gpx_plus_xml, "application/gpx+xml", 1) \
    X(application_gxf, "application/gxf", 0) \
    X(application_gzip, "application/gzip", 0) \
    X(application_hjson, "application/hjson", 0) \
    X(application_hyperstudio, "application/hyperstudio", 0) \
    X(application_inkml_plus_xml, "application/inkml+xml", 1) \
    X(application_ipfix, "application/ipfix", 0) \
    X(application_its_plus_xml, "application/its+xml", 1) \
    X(application_java_archive, "application/java-archive", 0) \
    X(application_java_serialized_object, "application/java-serialized-object", 0) \
    X(application_java_vm, "application/java-vm", 0) \
    X(application_json, "application/json", 1) \
    X(application_json5, "application/json5", 0) \
    X(application_jsonml_plus_json, "application/jsonml+json", 1) \
    X(application_ld_plus_json, "application/ld+json", 1) \
    X(application_lgr_plus_xml, "application/lgr+xml", 1) \
    X(application_lost_plus_xml, "application/lost+xml", 1) \
    X(application_mac_binhex40, "application/mac-binhex40", 0) \
    X(application_mac_compactpro, "application/mac-compactpro", 0) \
    X(application_mads_plus_xml, "application/mads+xml", 1) \
    X(application_manifest_plus_json, "application/manifest+json", 1) \
    X(application_marc, "application/marc", 0) \
    X(application_marcxml_plus_xml, "application/marcxml+xml", 1) \
    X(application_mathematica, "application/mathematica", 0) \
    X(application_mathml_plus_xml, "application/mathml+xml", 1) \
    X(application_mbox, "application/mbox", 0) \
    X(application_media_policy_dataset_plus_xml, "application/media-policy-dataset+xml", 1) \
    X(application_mediaservercontrol_plus_xml, "application/mediaservercontrol+xml", 1) \
    X(application_metalink_plus_xml, "application/metalink+xml", 1) \
    X(application_metalink4_plus_xml, "application/metalink4+xml", 1) \
    X(application_mets_plus_xml, "application/mets+xml", 1) \
    X(application_mmt_aei_plus_xml, "application/mmt-aei+xml", 1) \
    X(application_mmt_usd_plus_xml, "application/mmt-usd+xml", 1) \
    X(application_mods_plus_xml, "application/mods+xml", 1) \
    X(application_mp21, "application/mp21", 0) \
    X(application_mp4, "application/mp4", 0) \
    X(application_msix, "application/msix", 0) \
    X(application_msixbundle, "application/msixbundle", 0) \
    X(application_msword, "application/msword", 0) \
    X(application_mxf, "application/mxf", 0) \
    X(application_n_quads, "application/n-quads", 0) \
    X(application_n_triples, "application/n-triples", 0) \
    X(application_node, "application/node", 0) \
    X(application_octet_stream, "application/octet-stream", 0) \
    X(application_oda, "application/oda", 0) \
    X(application_oebps_package_plus_xml, "application/oebps-package+xml", 1) \
    X(application_ogg, "application/ogg", 0) \
    X(application_omdoc_plus_xml, "application/omdoc+xml", 1) \
    X(application_onenote, "application/onenote", 0) \
    X(application_oxps, "application/oxps", 0) \
    X(application_p2p_overlay_plus_xml, "application/p2p-overlay+xml", 1) \
    X(application_patch_ops_error_plus_xml, "application/patch-ops-error+xml", 1) \
    X(application_pdf, "application/pdf", 0) \
    X(application_pgp_encrypted, "application/pgp-encrypted", 0) \
    X(application_pgp_signature, "application/pgp-signature", 0) \
    X(application_pics_rules, "application/pics-rules", 0) \
    X(application_pkcs10, "application/pkcs10", 0) \
    X(application_pkcs7_mime, "application/pkcs7-mime", 0) \
    X(application_pkcs7_signature, "application/pkcs7-signature", 0) \
    X(application_pkcs8, "application/pkcs8", 0) \
    X(application_pkix_attr_cert, "application/pkix-attr-cert", 0) \
    X(application_pkix_cert, "application/pkix-cert", 0) \
    X(application_pkix_crl, "application/pkix-crl", 0) \
    X(application_pkix_pkipath, "application/pkix-pkipath", 0) \
    X(application_pkixcmp, "application/pkixcmp", 0) \
    X(application_pls_plus_xml, "application/pls+xml", 1) \
    X(application_postscript, "application/postscript", 1) \
    X(application_provenance_plus_xml, "application/provenance+xml", 1) \
    X(application_prs_cww, "application/prs.cww", 0) \
    X(application_prs_xsf_plus_xml, "application/prs.xsf+xml", 1) \
    X(application_pskc_plus_xml, "application/pskc+xml", 1) \
    X(application_raml_plus_yaml, "application/raml+yaml", 1) \
    X(application_rdf_plus_xml, "application/rdf+xml", 1) \
    X(application_reginfo_plus_xml, "application/reginfo+xml", 1) \
    X(application_relax_ng_compact_syntax, "application/relax-ng-compact-syntax", 0) \
    X(application_resource_lists_plus_xml, "application/resource-lists+xml", 1) \
    X(application_resource_lists_diff_plus_xml, "application/resource-lists-diff+xml", 1) \
    X(application_route_apd_plus_xml, "application/route-apd+xml", 1) \
    X(application_route_s_tsid_plus_xml, "application/route-s-tsid+xml", 1) \
    X(application_route_usd_plus_xml, "application/route-usd+xml", 1) \
    X(application_rpki_ghostbusters, "application/rpki-ghostbusters", 0) \
    X(application_rpki_manifest, "application/rpki-manifest", 0) \
    X(application_rpki_roa, "application/rpki-roa", 0) \
    X(application_rsd_plus_xml, "application/rsd+xml", 1) \
    X(application_rss_plus_xml, "application/rss+xml", 1) \
    X(application_rtf, "application/rtf", 1) \
    X(application_sbml_plus_xml, "application/sbml+xml", 1) \
    X(application_scvp_cv_request, "application/scvp-cv-request", 0) \
    X(application_scvp_cv_response, "application/scvp-cv-response", 0) \
    X(application_scvp_vp_request, "application/scvp-vp-request", 0) \
    X(application_scvp_vp_response, "application/scvp-vp-response", 0) \
    X(application_sdp, "application/sdp", 0) \
    X(application_senml_plus_xml, "application/senml+xml", 1) \
    X(application_sensml_plus_xml, "application/sensml+xml", 1) \
    X(application_set_payment_initiation, "application/set-payment-initiation", 0) \
    X(application_set_registration_initiation, "application/set-registration-initiation", 0) \
    X(application_shf_plus_xml, "application/shf+xml", 1) \
    X(application_sieve, "application/sieve", 0) \
    X(application_smil_plus_xml, "application/smil+xml", 1) \
    X(application_sparql_query, "application/sparql-query", 0) \
    X(application_sparql_results_plus_xml, "application/sparql-results+xml", 1) \
    X(application_sql, "application/sql", 0) \
    X(application_srgs, "application/srgs", 0) \
    X(application_srgs_plus_xml, "application/srgs+xml", 1) \
    X(application_sru_plus_xml, "application/sru+xml", 1) \
    X(application_ssdl_plus_xml, "application/ssdl+xml", 1) \
    X(application_ssml_plus_xml, "application/ssml+xml", 1) \
    X(application_swid_plus_xml, "application/swid+xml", 1) \
    X(application_tei_plus_xml, "application/tei+xml", 1) \
    X(application_thraud_plus_xml, "application/thraud+xml", 1) \
    X(application_timestamped_data, "application/timestamped-data", 0) \
    X(application_toml, "application/toml", 1) \
    X(application_trig, "application/trig", 0) \
    X(application_ttml_plus_xml, "application/ttml+xml", 1) \
    X(application_ubjson, "application/ubjson", 0) \
    X(application_urc_ressheet_plus_xml, "application/urc-ressheet+xml", 1) \
    X(application_urc_targetdesc_plus_xml, "application/urc-targetdesc+xml", 1) \
    X(application_vnd_1000minds_decision_model_plus_xml, "application/vnd.1000minds.decision-model+xml", 1) \
    X(application_vnd_3gpp_pic_bw_large, "application/vnd.3gpp.pic-bw-large", 0) \
    X(application_vnd_3gpp_pic_bw_small, "application/vnd.3gpp.pic-bw-small", 0) \
    X(application_vnd_3gpp_pic_bw_var, "application/vnd.3gpp.pic-bw-var", 0) \
    X(application_vnd_3gpp2_tcap, "application/vnd.3gpp2.tcap", 0) \
    X(application_vnd_3m_post_it_notes, "application/vnd.3m.post-it-notes", 0) \
    X(application_vnd_accpac_simply_aso, "application/vnd.accpac.simply.aso", 0) \
    X(application_vnd_accpac_simply_imp, "application/vnd.accpac.simply.imp", 0) \
    X(application_vnd_acucobol, "application/vnd.acucobol", 0) \
    X(application_vnd_acucorp, "application/vnd.acucorp", 0) \
    X(application_vnd_adobe_air_application_installer_package_plus_zip, "application/vnd.adobe.air-application-installer-package+zip", 0) \
    X(application_vnd_adobe_formscentral_fcdt, "application/vnd.adobe.formscentral.fcdt", 0) \
    X(application_vnd_adobe_fxp, "application/vnd.adobe.fxp", 0) \
    X(application_vnd_adobe_xdp_plus_xml, "application/vnd.adobe.xdp+xml", 1) \
    X(application_vnd_age, "application/vnd.age", 0) \
    X(application_vnd_ahead_space, "application/vnd.ahead.space", 0) \
    X(application_vnd_airzip_filesecure_azf, "application/vnd.airzip.filesecure.azf", 0) \
    X(application_vnd_airzip_filesecure_azs, "application/vnd.airzip.filesecure.azs", 0) \
    X(application_vnd_amazon_ebook, "application/vnd.amazon.ebook", 0) \
    X(application_vnd_americandynamics_acc, "application/vnd.americandynamics.acc", 0) \
    X(application_vnd_amiga_ami, "application/vnd.amiga.ami", 0) \
    X(application_vnd_android_package_archive, "application/vnd.android.package-archive", 0) \
    X(application_vnd_anser_web_certificate_issue_initiation, "application/vnd.anser-web-certificate-issue-initiation", 0) \
    X(application_vnd_anser_web_funds_transfer_initiation, "application/vnd.anser-web-funds-transfer-initiation", 0) \
    X(application_vnd_antix_game_component, "application/vnd.antix.game-component", 0) \
    X(application_vnd_apple_installer_plus_xml, "application/vnd.apple.installer+xml", 1) \
    X(application_vnd_apple_keynote, "application/vnd.apple.keynote", 0) \
    X(application_vnd_apple_mpegurl, "application/vnd.apple.mpegurl", 0) \
    X(application_vnd_apple_numbers, "application/vnd.apple.numbers", 0) \
    X(application_vnd_apple_pages, "application/vnd.apple.pages", 0) \
    X(application_vnd_apple_pkpass, "application/vnd.apple.pkpass", 0) \
    X(application_vnd_aristanetworks_swi, "application/vnd.aristanetworks.swi", 0) \
    X(application_vnd_astraea_software_iota, "application/vnd.astraea-software.iota", 0) \
    X(application_vnd_audiograph, "application/vnd.audiograph", 0) \
    X(application_vnd_autodesk_fbx, "application/vnd.autodesk.fbx", 0) \
    X(application_vnd_balsamiq_bmml_plus_xml, "application/vnd.balsamiq.bmml+xml", 1) \
    X(application_vnd_blueice_multipass, "application/vnd.blueice.multipass", 0) \
    X(application_vnd_bmi, "application/vnd.bmi", 0) \
    X(application_vnd_businessobjects, "application/vnd.businessobjects", 0) \
    X(application_vnd_chemdraw_plus_xml, "application/vnd.chemdraw+xml", 1) \
    X(application_vnd_chipnuts_karaoke_mmd, "application/vnd.chipnuts.karaoke-mmd", 0) \
    X(application_vnd_cinderella, "application/vnd.cinderella", 0) \
    X(application_vnd_citationstyles_style_plus_xml, "application/vnd.citationstyles.style+xml", 1) \
    X(application_vnd_claymore, "application/vnd.claymore", 0) \
    X(application_vnd_cloanto_rp9, "application/vnd.cloanto.rp9", 0) \
    X(application_vnd_clonk_c4group, "application/vnd.clonk.c4group", 0) \
    X(application_vnd_cluetrust_cartomobile_config, "application/vnd.cluetrust.cartomobile-config", 0) \
    X(application_vnd_cluetrust_cartomobile_config_pkg, "application/vnd.cluetrust.cartomobile-config-pkg", 0) \
    X(application_vnd_commonspace, "application/vnd.commonspace", 0) \
    X(application_vnd_contact_cmsg, "application/vnd.contact.cmsg", 0) \
    X(application_vnd_cosmocaller, "application/vnd.cosmocaller", 0) \
    X(application_vnd_crick_clicker, "application/vnd.crick.clicker", 0) \
    X(application_vnd_crick_clicker_keyboard, "application/vnd.crick.clicker.keyboard", 0) \
    X(application_vnd_crick_clicker_palette, "application/vnd.crick.clicker.palette", 0) \
    X(application_vnd_crick_clicker_template, "application/vnd.crick.clicker.template", 0) \
    X(application_vnd_crick_clicker_wordbank, "application/vnd.crick.clicker.wordbank", 0) \
    X(application_vnd_criticaltools_wbs_plus_xml, "application/vnd.criticaltools.wbs+xml", 1) \
    X(application_vnd_ctc_posml, "application/vnd.ctc-posml", 0) \
    X(application_vnd_cups_ppd, "application/vnd.cups-ppd", 0) \
    X(application_vnd_curl_car, "application/vnd.curl.car", 0) \
    X(application_vnd_curl_pcurl, "application/vnd.curl.pcurl", 0) \
    X(application_vnd_dart, "application/vnd.dart", 1) \
    X(application_vnd_data_vision_rdz, "application/vnd.data-vision.rdz", 0) \
    X(application_vnd_dbf, "application/vnd.dbf", 0) \
    X(application_vnd_dcmp_plus_xml, "application/vnd.dcmp+xml", 1) \
    X(application_vnd_dece_data, "application/vnd.dece.data", 0) \
    X(application_vnd_dece_ttml_plus_xml, "application/vnd.dece.ttml+xml", 1) \
    X(application_vnd_dece_unspecified, "application/vnd.dece.unspecified", 0) \
    X(application_vnd_dece_zip, "application/vnd.dece.zip", 0) \
    X(application_vnd_denovo_fcselayout_link, "application/vnd.denovo.fcselayout-link", 0) \
    X(application_vnd_dna, "application/vnd.dna", 0) \
    X(application_vnd_dolby_mlp, "application/vnd.dolby.mlp", 0) \
    X(application_vnd_dpgraph, "application/vnd.dpgraph", 0) \
    X(application_vnd_dreamfactory, "application/vnd.dreamfactory", 0) \
    X(application_vnd_ds_keypoint, "application/vnd.ds-keypoint", 0) \
    X(application_vnd_dvb_ait, "application/vnd.dvb.ait", 0) \
    X(application_vnd_dvb_service, "application/vnd.dvb.service", 0) \
    X(application_vnd_dynageo, "application/vnd.dynageo", 0) \
    X(application_vnd_ecowin_chart, "application/vnd.ecowin.chart", 0) \
    X(application_vnd_enliven, "application/vnd.enliven", 0) \
    X(application_vnd_epson_esf, "application/vnd.epson.esf", 0) \
    X(application_vnd_epson_msf, "application/vnd.epson.msf", 0) \
    X(application_vnd_epson_quickanime, "application/vnd.epson.quickanime", 0) \
    X(application_vnd_epson_salt, "application/vnd.epson.salt", 0) \
    X(application_vnd_epson_ssf, "application/vnd.epson.ssf", 0) \
    X(application_vnd_eszigno3_plus_xml, "application/vnd.eszigno3+xml", 1) \
    X(application_vnd_ezpix_album, "application/vnd.ezpix-album", 0) \
    X(application_vnd_ezpix_package, "application/vnd.ezpix-package", 0) \
    X(application_vnd_fdsn_mseed, "application/vnd.fdsn.mseed", 0) \
    X(application_vnd_fdsn_seed, "application/vnd.fdsn.seed", 0) \
    X(application_vnd_flographit, "application/vnd.flographit", 0) \
    X(application_vnd_fluxtime_clip, "application/vnd.fluxtime.clip", 0) \
    X(application_vnd_framemaker, "application/vnd.framemaker", 0) \
    X(application_vnd_frogans_fnc, "application/vnd.frogans.fnc", 0) \
    X(application_vnd_frogans_ltf, "application/vnd.frogans.ltf", 0) \
    X(application_vnd_fsc_weblaunch, "application/vnd.fsc.weblaunch", 0) \
    X(application_vnd_fujitsu_oasys, "application/vnd.fujitsu.oasys", 0) \
    X(application_vnd_fujitsu_oasys2, "application/vnd.fujitsu.oasys2", 0) \
    X(application_vnd_fujitsu_oasys3, "application/vnd.fujitsu.oasys3", 0) \
    X(application_vnd_fujitsu_oasysgp, "application/vnd.fujitsu.oasysgp", 0) \
    X(application_vnd_fujitsu_oasysprs, "application/vnd.fujitsu.oasysprs", 0) \
    X(application_vnd_fujixerox_ddd, "application/vnd.fujixerox.ddd", 0) \
    X(application_vnd_fujixerox_docuworks, "application/vnd.fujixerox.docuworks", 0) \
    X(application_vnd_fujixerox_docuworks_binder, "application/vnd.fujixerox.docuworks.binder", 0) \
    X(application_vnd_fuzzysheet, "application/vnd.fuzzysheet", 0) \
    X(application_vnd_genomatix_tuxedo, "application/vnd.genomatix.tuxedo", 0) \
    X(application_vnd_geogebra_file, "application/vnd.geogebra.file", 0) \
    X(application_vnd_geogebra_slides, "application/vnd.geogebra.slides", 0) \
    X(application_vnd_geogebra_tool, "application/vnd.geogebra.tool", 0) \
    X(application_vnd_geometry_explorer, "application/vnd.geometry-explorer", 0) \
    X(application_vnd_geonext, "application/vnd.geonext", 0) \
    X(application_vnd_geoplan, "application/vnd.geoplan", 0) \
    X(application_vnd_geospace, "application/vnd.geospace", 0) \
    X(application_vnd_gmx, "application/vnd.gmx", 0) \
    X(application_vnd_google_apps_document, "application/vnd.google-apps.document", 0) \
    X(application_vnd_google_apps_drawing, "application/vnd.google-apps.drawing", 0) \
    X(application_vnd_google_apps_form, "application/vnd.google-apps.form", 0) \
    X(application_vnd_google_apps_jam, "application/vnd.google-apps.jam", 0) \
    X(application_vnd_google_apps_map, "application/vnd.google-apps.map", 0) \
    X(application_vnd_google_apps_presentation, "application/vnd.google-apps.presentation", 0) \
    X(application_vnd_google_apps_script, "application/vnd.google-apps.script", 0) \
    X(application_vnd_google_apps_site, "application/vnd.google-apps.site", 0) \
    X(application_vnd_google_apps_spreadsheet, "application/vnd.google-apps.spreadsheet", 0) \
    X(application_vnd_google_earth_kml_plus_xml, "application/vnd.google-earth.kml+xml", 1) \
    X(application_vnd_google_earth_kmz, "application/vnd.google-earth.kmz", 0) \
    X(application_vnd_gov_sk_xmldatacontainer_plus_xml, "application/vnd.gov.sk.xmldatacontainer+xml", 1) \
    X(application_vnd_grafeq, "application/vnd.grafeq", 0) \
    X(application_vnd_groove_account, "application/vnd.groove-account", 0) \
    X(application_vnd_groove_help, "application/vnd.groove-help", 0) \
    X(application_vnd_groove_identity_message, "application/vnd.groove-identity-message", 0) \
    X(application_vnd_groove_injector, "application/vnd.groove-injector", 0) \
    X(application_vnd_groove_tool_message, "application/vnd.groove-tool-message", 0) \
    X(application_vnd_groove_tool_template, "application/vnd.groove-tool-template", 0) \
    X(application_vnd_groove_vcard, "application/vnd.groove-vcard", 0) \
    X(application_vnd_hal_plus_xml, "application/vnd.hal+xml", 1) \
    X(application_vnd_handheld_entertainment_plus_xml, "application/vnd.handheld-entertainment+xml", 1) \
    X(application_vnd_hbci, "application/vnd.hbci", 0) \
    X(application_vnd_hhe_lesson_player, "application/vnd.hhe.lesson-player", 0) \
    X(application_vnd_hp_hpgl, "application/vnd.hp-hpgl", 0) \
    X(application_vnd_hp_hpid, "application/vnd.hp-hpid", 0) \
    X(application_vnd_hp_hps, "application/vnd.hp-hps", 0) \
    X(application_vnd_hp_jlyt, "application/vnd.hp-jlyt", 0) \
    X(application_vnd_hp_pcl, "application/vnd.hp-pcl", 0) \
    X(application_vnd_hp_pclxl, "application/vnd.hp-pclxl", 0) \
    X(application_vnd_hydrostatix_sof_data, "application/vnd.hydrostatix.sof-data", 0) \
    X(application_vnd_ibm_minipay, "application/vnd.ibm.minipay", 0) \
    X(application_vnd_ibm_modcap, "application/vnd.ibm.modcap", 0) \
    X(application_vnd_ibm_rights_management, "application/vnd.ibm.rights-management", 0) \
    X(application_vnd_ibm_secure_container, "application/vnd.ibm.secure-container", 0) \
    X(application_vnd_iccprofile, "application/vnd.iccprofile", 0) \
    X(application_vnd_igloader, "application/vnd.igloader", 0) \
    X(application_vnd_immervision_ivp, "application/vnd.immervision-ivp", 0) \
    X(application_vnd_immervision_ivu, "application/vnd.immervision-ivu", 0) \
    X(application_vnd_insors_igm, "application/vnd.insors.igm", 0) \
    X(application_vnd_intercon_formnet, "application/vnd.intercon.formnet", 0) \
    X(application_vnd_intergeo, "application/vnd.intergeo", 0) \
    X(application_vnd_intu_qbo, "application/vnd.intu.qbo", 0) \
    X(application_vnd_intu_qfx, "application/vnd.intu.qfx", 0) \
    X(application_vnd_ipunplugged_rcprofile, "application/vnd.ipunplugged.rcprofile", 0) \
    X(application_vnd_irepository_package_plus_xml, "application/vnd.irepository.package+xml", 1) \
    X(application_vnd_is_xpr, "application/vnd.is-xpr", 0) \
    X(application_vnd_isac_fcs, "application/vnd.isac.fcs", 0) \
    X(application_vnd_jam, "application/vnd.jam", 0) \
    X(application_vnd_jcp_javame_midlet_rms, "application/vnd.jcp.javame.midlet-rms", 0) \
    X(application_vnd_jisp, "application/vnd.jisp", 0) \
    X(application_vnd_joost_joda_archive, "application/vnd.joost.joda-archive", 0) \
    X(application_vnd_kahootz, "application/vnd.kahootz", 0) \
    X(application_vnd_kde_karbon, "application/vnd.kde.karbon", 0) \
    X(application_vnd_kde_kchart, "application/vnd.kde.kchart", 0) \
    X(application_vnd_kde_kformula, "application/vnd.kde.kformula", 0) \
    X(application_vnd_kde_kivio, "application/vnd.kde.kivio", 0) \
    X(application_vnd_kde_kontour, "application/vnd.kde.kontour", 0) \
    X(application_vnd_kde_kpresenter, "application/vnd.kde.kpresenter", 0) \
    X(application_vnd_kde_kspread, "application/vnd.kde.kspread", 0) \
    X(application_vnd_kde_kword, "application/vnd.kde.kword", 0) \
    X(application_vnd_kenameaapp, "application/vnd.kenameaapp", 0) \
    X(application_vnd_kidspiration, "application/vnd.kidspiration", 0) \
    X(application_vnd_kinar, "application/vnd.kinar", 0) \
    X(application_vnd_koan, "application/vnd.koan", 0) \
    X(application_vnd_kodak_descriptor, "application/vnd.kodak-descriptor", 0) \
    X(application_vnd_las_las_plus_xml, "application/vnd.las.las+xml", 1) \
    X(application_vnd_llamagraphics_life_balance_desktop, "application/vnd.llamagraphics.life-balance.desktop", 0) \
    X(application_vnd_llamagraphics_life_balance_exchange_plus_xml, "application/vnd.llamagraphics.life-balance.exchange+xml", 1) \
    X(application_vnd_lotus_1_2_3, "application/vnd.lotus-1-2-3", 0) \
    X(application_vnd_lotus_approach, "application/vnd.lotus-approach", 0) \
    X(application_vnd_lotus_freelance, "application/vnd.lotus-freelance", 0) \
    X(application_vnd_lotus_notes, "application/vnd.lotus-notes", 0) \
    X(application_vnd_lotus_screencam, "application/vnd.lotus-screencam", 0) \
    X(application_vnd_lotus_wordpro, "application/vnd.lotus-wordpro", 0) \
    X(application_vnd_macports_portpkg, "application/vnd.macports.portpkg", 0) \
    X(application_vnd_mapbox_vector_tile, "application/vnd.mapbox-vector-tile", 0) \
    X(application_vnd_mcd, "application/vnd.mcd", 0) \
    X(application_vnd_medcalcdata, "application/vnd.medcalcdata", 0) \
    X(application_vnd_mediastation_cdkey, "application/vnd.mediastation.cdkey", 0) \
    X(application_vnd_mfer, "application/vnd.mfer", 0) \
    X(application_vnd_mfmp, "application/vnd.mfmp", 0) \
    X(application_vnd_micrografx_flo, "application/vnd.micrografx.flo", 0) \
    X(application_vnd_micrografx_igx, "application/vnd.micrografx.igx", 0) \
    X(application_vnd_mif, "application/vnd.mif", 0) \
    X(application_vnd_mobius_daf, "application/vnd.mobius.daf", 0) \
    X(application_vnd_mobius_dis, "application/vnd.mobius.dis", 0) \
    X(application_vnd_mobius_mbk, "application/vnd.mobius.mbk", 0) \
    X(application_vnd_mobius_mqy, "application/vnd.mobius.mqy", 0) \
    X(application_vnd_mobius_msl, "application/vnd.mobius.msl", 0) \
    X(application_vnd_mobius_plc, "application/vnd.mobius.plc", 0) \
    X(application_vnd_mobius_txf, "application/vnd.mobius.txf", 0) \
    X(application_vnd_mophun_application, "application/vnd.mophun.application", 0) \
    X(application_vnd_mophun_certificate, "application/vnd.mophun.certificate", 0) \
    X(application_vnd_mozilla_xul_plus_xml, "application/vnd.mozilla.xul+xml", 1) \
    X(application_vnd_ms_artgalry, "application/vnd.ms-artgalry", 0) \
    X(application_vnd_ms_cab_compressed, "application/vnd.ms-cab-compressed", 0) \
    X(application_vnd_ms_excel, "application/vnd.ms-excel", 0) \
    X(application_vnd_ms_excel_addin_macroenabled_12, "application/vnd.ms-excel.addin.macroenabled.12", 0) \
    X(application_vnd_ms_excel_sheet_binary_macroenabled_12, "application/vnd.ms-excel.sheet.binary.macroenabled.12", 0) \
    X(application_vnd_ms_excel_sheet_macroenabled_12, "application/vnd.ms-excel.sheet.macroenabled.12", 0) \
    X(application_vnd_ms_excel_template_macroenabled_12, "application/vnd.ms-excel.template.macroenabled.12", 0) \
    X(application_vnd_ms_fontobject, "application/vnd.ms-fontobject", 1) \
    X(application_vnd_ms_htmlhelp, "application/vnd.ms-htmlhelp", 0) \
    X(application_vnd_ms_ims, "application/vnd.ms-ims", 0) \
    X(application_vnd_ms_lrm, "application/vnd.ms-lrm", 0) \
    X(application_vnd_ms_officetheme, "application/vnd.ms-officetheme", 0) \
    X(application_vnd_ms_outlook, "application/vnd.ms-outlook", 0) \
    X(application_vnd_ms_pki_seccat, "application/vnd.ms-pki.seccat", 0) \
    X(application_vnd_ms_powerpoint, "application/vnd.ms-powerpoint", 0) \
    X(application_vnd_ms_powerpoint_addin_macroenabled_12, "application/vnd.ms-powerpoint.addin.macroenabled.12", 0) \
    X(application_vnd_ms_powerpoint_presentation_macroenabled_12, "application/vnd.ms-powerpoint.presentation.macroenabled.12", 0) \
    X(application_vnd_ms_powerpoint_slide_macroenabled_12, "application/vnd.ms-powerpoint.slide.macroenabled.12", 0) \
    X(application_vnd_ms_powerpoint_slideshow_macroenabled_12, "application/vnd.ms-powerpoint.slideshow.macroenabled.12", 0) \
    X(application_vnd_ms_powerpoint_template_macroenabled_12, "application/vnd.ms-powerpoint.template.macroenabled.12", 0) \
    X(application_vnd_ms_project, "application/vnd.ms-project", 0) \
    X(application_vnd_ms_visio_viewer, "application/vnd.ms-visio.viewer", 0) \
    X(application_vnd_ms_word_document_macroenabled_12, "application/vnd.ms-word.document.macroenabled.12", 0) \
    X(application_vnd_ms_word_template_macroenabled_12, "application/vnd.ms-word.template.macroenabled.12", 0) \
    X(application_vnd_ms_works, "application/vnd.ms-works", 0) \
    X(application_vnd_ms_wpl, "application/vnd.ms-wpl", 0) \
    X(application_vnd_ms_xpsdocument, "application/vnd.ms-xpsdocument", 0) \
    X(application_vnd_mseq, "application/vnd.mseq", 0) \
    X(application_vnd_musician, "application/vnd.musician", 0) \
    X(application_vnd_muvee_style, "application/vnd.muvee.style", 0) \
    X(application_vnd_mynfc, "application/vnd.mynfc", 0) \
    X(application_vnd_nato_bindingdataobject_plus_xml, "application/vnd.nato.bindingdataobject+xml", 1) \
    X(application_vnd_neurolanguage_nlu, "application/vnd.neurolanguage.nlu", 0) \
    X(application_vnd_nitf, "application/vnd.nitf", 0) \
    X(application_vnd_noblenet_directory, "application/vnd.noblenet-directory", 0) \
    X(application_vnd_noblenet_sealer, "application/vnd.noblenet-sealer", 0) \
    X(application_vnd_noblenet_web, "application/vnd.noblenet-web", 0) \
    X(application_vnd_nokia_n_gage_data, "application/vnd.nokia.n-gage.data", 0) \
    X(application_vnd_nokia_n_gage_symbian_install, "application/vnd.nokia.n-gage.symbian.install", 0) \
    X(application_vnd_nokia_radio_preset, "application/vnd.nokia.radio-preset", 0) \
    X(application_vnd_nokia_radio_presets, "application/vnd.nokia.radio-presets", 0) \
    X(application_vnd_novadigm_edm, "application/vnd.novadigm.edm", 0) \
    X(application_vnd_novadigm_edx, "application/vnd.novadigm.edx", 0) \
    X(application_vnd_novadigm_ext, "application/vnd.novadigm.ext", 0) \
    X(application_vnd_oasis_opendocument_chart, "application/vnd.oasis.opendocument.chart", 0) \
    X(application_vnd_oasis_opendocument_chart_template, "application/vnd.oasis.opendocument.chart-template", 0) \
    X(application_vnd_oasis_opendocument_database, "application/vnd.oasis.opendocument.database", 0) \
    X(application_vnd_oasis_opendocument_formula, "application/vnd.oasis.opendocument.formula", 0) \
    X(application_vnd_oasis_opendocument_formula_template, "application/vnd.oasis.opendocument.formula-template", 0) \
    X(application_vnd_oasis_opendocument_graphics, "application/vnd.oasis.opendocument.graphics", 0) \
    X(application_vnd_oasis_opendocument_graphics_template, "application/vnd.oasis.opendocument.graphics-template", 0) \
    X(application_vnd_oasis_opendocument_image, "application/vnd.oasis.opendocument.image", 0) \
    X(application_vnd_oasis_opendocument_image_template, "application/vnd.oasis.opendocument.image-template", 0) \
    X(application_vnd_oasis_opendocument_presentation, "application/vnd.oasis.opendocument.presentation", 0) \
    X(application_vnd_oasis_opendocument_presentation_template, "application/vnd.oasis.opendocument.presentation-template", 0) \
    X(application_vnd_oasis_opendocument_spreadsheet, "application/vnd.oasis.opendocument.spreadsheet", 0) \
    X(application_vnd_oasis_opendocument_spreadsheet_template, "application/vnd.oasis.opendocument.spreadsheet-template", 0) \
    X(application_vnd_oasis_opendocument_text, "application/vnd.oasis.opendocument.text", 0) \
    X(application_vnd_oasis_opendocument_text_master, "application/vnd.oasis.opendocument.text-master", 0) \
    X(application_vnd_oasis_opendocument_text_template, "application/vnd.oasis.opendocument.text-template", 0) \
    X(application_vnd_oasis_opendocument_text_web, "application/vnd.oasis.opendocument.text-web", 0) \
    X(application_vnd_olpc_sugar, "application/vnd.olpc-sugar", 0) \
    X(application_vnd_oma_dd2_plus_xml, "application/vnd.oma.dd2+xml", 1) \
    X(application_vnd_openblox_game_plus_xml, "application/vnd.openblox.game+xml", 1) \
    X(application_vnd_openofficeorg_extension, "application/vnd.openofficeorg.extension", 0) \
    X(application_vnd_openstreetmap_data_plus_xml, "application/vnd.openstreetmap.data+xml", 1) \
    X(application_vnd_openxmlformats_officedocument_presentationml_presentation, "application/vnd.openxmlformats-officedocument.presentationml.presentation", 0) \
    X(application_vnd_openxmlformats_officedocument_presentationml_slide, "application/vnd.openxmlformats-officedocument.presentationml.slide", 0) \
    X(application_vnd_openxmlformats_officedocument_presentationml_slideshow, "application/vnd.openxmlformats-officedocument.presentationml.slideshow", 0) \
    X(application_vnd_openxmlformats_officedocument_presentationml_template, "application/vnd.openxmlformats-officedocument.presentationml.template", 0) \
    X(application_vnd_openxmlformats_officedocument_spreadsheetml_sheet, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 0) \
    X(application_vnd_openxmlformats_officedocument_spreadsheetml_template, "application/vnd.openxmlformats-officedocument.spreadsheetml.template", 0) \
    X(application_vnd_openxmlformats_officedocument_wordprocessingml_document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 0) \
    X(application_vnd_openxmlformats_officedocument_wordprocessingml_template, "application/vnd.openxmlformats-officedocument.wordprocessingml.template", 0) \
    X(application_vnd_osgeo_mapguide_package, "application/vnd.osgeo.mapguide.package", 0) \
    X(application_vnd_osgi_dp, "application/vnd.osgi.dp", 0) \
    X(application_vnd_osgi_subsystem, "application/vnd.osgi.subsystem", 0) \
    X(application_vnd_palm, "application/vnd.palm", 0) \
    X(application_vnd_pawaafile, "application/vnd.pawaafile", 0) \
    X(application_vnd_pg_format, "application/vnd.pg.format", 0) \
    X(application_vnd_pg_osasli, "application/vnd.pg.osasli", 0) \
    X(application_vnd_picsel, "application/vnd.picsel", 0) \
    X(application_vnd_pmi_widget, "application/vnd.pmi.widget", 0) \
    X(application_vnd_pocketlearn, "application/vnd.pocketlearn", 0) \
    X(application_vnd_powerbuilder6, "application/vnd.powerbuilder6", 0) \
    X(application_vnd_previewsystems_box, "application/vnd.previewsystems.box", 0) \
    X(application_vnd_procrate_brushset, "application/vnd.procrate.brushset", 0) \
    X(application_vnd_procreate_brush, "application/vnd.procreate.brush", 0) \
    X(application_vnd_procreate_dream, "application/vnd.procreate.dream", 0) \
    X(application_vnd_proteus_magazine, "application/vnd.proteus.magazine", 0) \
    X(application_vnd_publishare_delta_tree, "application/vnd.publishare-delta-tree", 0) \
    X(application_vnd_pvi_ptid1, "application/vnd.pvi.ptid1", 0) \
    X(application_vnd_pwg_xhtml_print_plus_xml, "application/vnd.pwg-xhtml-print+xml", 1) \
    X(application_vnd_quark_quarkxpress, "application/vnd.quark.quarkxpress", 0) \
    X(application_vnd_rar, "application/vnd.rar", 0) \
    X(application_vnd_realvnc_bed, "application/vnd.realvnc.bed", 0) \
    X(application_vnd_recordare_musicxml, "application/vnd.recordare.musicxml", 0) \
    X(application_vnd_recordare_musicxml_plus_xml, "application/vnd.recordare.musicxml+xml", 1) \
    X(application_vnd_rig_cryptonote, "application/vnd.rig.cryptonote", 0) \
    X(application_vnd_rim_cod, "application/vnd.rim.cod", 0) \
    X(application_vnd_rn_realmedia, "application/vnd.rn-realmedia", 0) \
    X(application_vnd_rn_realmedia_vbr, "application/vnd.rn-realmedia-vbr", 0) \
    X(application_vnd_route66_link66_plus_xml, "application/vnd.route66.link66+xml", 1) \
    X(application_vnd_sailingtracker_track, "application/vnd.sailingtracker.track", 0) \
    X(application_vnd_seemail, "application/vnd.seemail", 0) \
    X(application_vnd_sema, "application/vnd.sema", 0) \
    X(application_vnd_semd, "application/vnd.semd", 0) \
    X(application_vnd_semf, "application/vnd.semf", 0) \
    X(application_vnd_shana_informed_formdata, "application/vnd.shana.informed.formdata", 0) \
    X(application_vnd_shana_informed_formtemplate, "application/vnd.shana.informed.formtemplate", 0) \
    X(application_vnd_shana_informed_interchange, "application/vnd.shana.informed.interchange", 0) \
    X(application_vnd_shana_informed_package, "application/vnd.shana.informed.package", 0) \
    X(application_vnd_simtech_mindmapper, "application/vnd.simtech-mindmapper", 0) \
    X(application_vnd_smaf, "application/vnd.smaf", 0) \
    X(application_vnd_smart_teacher, "application/vnd.smart.teacher", 0) \
    X(application_vnd_software602_filler_form_plus_xml, "application/vnd.software602.filler.form+xml", 1) \
    X(application_vnd_solent_sdkm_plus_xml, "application/vnd.solent.sdkm+xml", 1) \
    X(application_vnd_spotfire_dxp, "application/vnd.spotfire.dxp", 0) \
    X(application_vnd_spotfire_sfs, "application/vnd.spotfire.sfs", 0) \
    X(application_vnd_stardivision_calc, "application/vnd.stardivision.calc", 0) \
    X(application_vnd_stardivision_draw, "application/vnd.stardivision.draw", 0) \
    X(application_vnd_stardivision_impress, "application/vnd.stardivision.impress", 0) \
    X(application_vnd_stardivision_math, "application/vnd.stardivision.math", 0) \
    X(application_vnd_stardivision_writer, "application/vnd.stardivision.writer", 0) \
    X(application_vnd_stardivision_writer_global, "application/vnd.stardivision.writer-global", 0) \
    X(application_vnd_stepmania_package, "application/vnd.stepmania.package", 0) \
    X(application_vnd_stepmania_stepchart, "application/vnd.stepmania.stepchart", 0) \
    X(application_vnd_sun_wadl_plus_xml, "application/vnd.sun.wadl+xml", 1) \
    X(application_vnd_sun_xml_calc, "application/vnd.sun.xml.calc", 0) \
    X(application_vnd_sun_xml_calc_template, "application/vnd.sun.xml.calc.template", 0) \
    X(application_vnd_sun_xml_draw, "application/vnd.sun.xml.draw", 0) \
    X(application_vnd_sun_xml_draw_template, "application/vnd.sun.xml.draw.template", 0) \
    X(application_vnd_sun_xml_impress, "application/vnd.sun.xml.impress", 0) \
    X(application_vnd_sun_xml_impress_template, "application/vnd.sun.xml.impress.template", 0) \
    X(application_vnd_sun_xml_math, "application/vnd.sun.xml.math", 0) \
    X(application_vnd_sun_xml_writer, "application/vnd.sun.xml.writer", 0) \
    X(application_vnd_sun_xml_writer_global, "application/vnd.sun.xml.writer.global", 0) \
    X(application_vnd_sun_xml_writer_template, "application/vnd.sun.xml.writer.template", 0) \
    X(application_vnd_sus_calendar, "application/vnd.sus-calendar", 0) \
    X(application_vnd_svd, "application/vnd.svd", 0) \
    X(application_vnd_symbian_install, "application/vnd.symbian.install", 0) \
    X(application_vnd_syncml_plus_xml, "application/vnd.syncml+xml", 1) \
    X(application_vnd_syncml_dm_plus_wbxml, "application/vnd.syncml.dm+wbxml", 0) \
    X(application_vnd_syncml_dm_plus_xml, "application/vnd.syncml.dm+xml", 1) \
    X(application_vnd_syncml_dmddf_plus_xml, "application/vnd.syncml.dmddf+xml", 1) \
    X(application_vnd_tao_intent_module_archive, "application/vnd.tao.intent-module-archive", 0) \
    X(application_vnd_tcpdump_pcap, "application/vnd.tcpdump.pcap", 0) \
    X(application_vnd_tmobile_livetv, "application/vnd.tmobile-livetv", 0) \
    X(application_vnd_trid_tpt, "application/vnd.trid.tpt", 0) \
    X(application_vnd_triscape_mxs, "application/vnd.triscape.mxs", 0) \
    X(application_vnd_trueapp, "application/vnd.trueapp", 0) \
    X(application_vnd_ufdl, "application/vnd.ufdl", 0) \
    X(application_vnd_uiq_theme, "application/vnd.uiq.theme", 0) \
    X(application_vnd_umajin, "application/vnd.umajin", 0) \
    X(application_vnd_unity, "application/vnd.unity", 0) \
    X(application_vnd_uoml_plus_xml, "application/vnd.uoml+xml", 1) \
    X(application_vnd_vcx, "application/vnd.vcx", 0) \
    X(application_vnd_visio, "application/vnd.visio", 0) \
    X(application_vnd_visionary, "application/vnd.visionary", 0) \
    X(application_vnd_vsf, "application/vnd.vsf", 0) \
    X(application_vnd_wap_wbxml, "application/vnd.wap.wbxml", 0) \
    X(application_vnd_wap_wmlc, "application/vnd.wap.wmlc", 0) \
    X(application_vnd_wap_wmlscriptc, "application/vnd.wap.wmlscriptc", 0) \
    X(application_vnd_webturbo, "application/vnd.webturbo", 0) \
    X(application_vnd_wolfram_player, "application/vnd.wolfram.player", 0) \
    X(application_vnd_wordperfect, "application/vnd.wordperfect", 0) \
    X(application_vnd_wqd, "application/vnd.wqd", 0) \
    X(application_vnd_wt_stf, "application/vnd.wt.stf", 0) \
    X(application_vnd_xara, "application/vnd.xara", 0) \
    X(application_vnd_xfdl, "application/vnd.xfdl", 0) \
    X(application_vnd_yamaha_hv_dic, "application/vnd.yamaha.hv-dic", 0) \
    X(application_vnd_yamaha_hv_script, "application/vnd.yamaha.hv-script", 0) \
    X(application_vnd_yamaha_hv_voice, "application/vnd.yamaha.hv-voice", 0) \
    X(application_vnd_yamaha_openscoreformat, "application/vnd.yamaha.openscoreformat", 0) \
    X(application_vnd_yamaha_openscoreformat_osfpvg_plus_xml, "application/vnd.yamaha.openscoreformat.osfpvg+xml", 1) \
    X(application_vnd_yamaha_smaf_audio, "application/vnd.yamaha.smaf-audio", 0) \
    X(application_vnd_yamaha_smaf_phrase, "application/vnd.yamaha.smaf-phrase", 0) \
    X(application_vnd_yellowriver_custom_menu, "application/vnd.yellowriver-custom-menu", 0) \
    X(application_vnd_zul, "application/vnd.zul", 0) \
    X(application_vnd_zzazz_deck_plus_xml, "application/vnd.zzazz.deck+xml", 1) \
    X(application_voicexml_plus_xml, "application/voicexml+xml", 1) \
    X(application_wasm, "application/wasm", 1) \
    X(application_watcherinfo_plus_xml, "application/watcherinfo+xml", 1) \
    X(application_widget, "application/widget", 0) \
    X(application_winhlp, "application/winhlp", 0) \
    X(application_wsdl_plus_xml, "application/wsdl+xml", 1) \
    X(application_wspolicy_plus_xml, "application/wspolicy+xml", 1) \
    X(application_x_7z_compressed, "application/x-7z-compressed", 0) \
    X(application_x_abiword, "application/x-abiword", 0) \
    X(application_x_ace_compressed, "application/x-ace-compressed", 0) \
    X(application_x_arj, "application/x-arj", 0) \
    X(application_x_authorware_bin, "application/x-authorware-bin", 0) \
    X(application_x_authorware_map, "application/x-authorware-map", 0) \
    X(application_x_authorware_seg, "application/x-authorware-seg", 0) \
    X(application_x_bcpio, "application/x-bcpio", 0) \
    X(application_x_bittorrent, "application/x-bittorrent", 0) \
    X(application_x_blender, "application/x-blender", 0) \
    X(application_x_blorb, "application/x-blorb", 0) \
    X(application_x_bzip, "application/x-bzip", 0) \
    X(application_x_bzip2, "application/x-bzip2", 0) \
    X(application_x_cbr, "application/x-cbr", 0) \
    X(application_x_cdlink, "application/x-cdlink", 0) \
    X(application_x_cfs_compressed, "application/x-cfs-compressed", 0) \
    X(application_x_chat, "application/x-chat", 0) \
    X(application_x_chess_pgn, "application/x-chess-pgn", 0) \
    X(application_x_chrome_extension, "application/x-chrome-extension", 0) \
    X(application_x_cocoa, "application/x-cocoa", 0) \
    X(application_x_conference, "application/x-conference", 0) \
    X(application_x_cpio, "application/x-cpio", 0) \
    X(application_x_csh, "application/x-csh", 0) \
    X(application_x_debian_package, "application/x-debian-package", 0) \
    X(application_x_dgc_compressed, "application/x-dgc-compressed", 0) \
    X(application_x_director, "application/x-director", 0) \
    X(application_x_doom, "application/x-doom", 0) \
    X(application_x_dtbncx_plus_xml, "application/x-dtbncx+xml", 1) \
    X(application_x_dtbook_plus_xml, "application/x-dtbook+xml", 1) \
    X(application_x_dtbresource_plus_xml, "application/x-dtbresource+xml", 1) \
    X(application_x_dvi, "application/x-dvi", 0) \
    X(application_x_envoy, "application/x-envoy", 0) \
    X(application_x_eva, "application/x-eva", 0) \
    X(application_x_font_bdf, "application/x-font-bdf", 0) \
    X(application_x_font_ghostscript, "application/x-font-ghostscript", 0) \
    X(application_x_font_linux_psf, "application/x-font-linux-psf", 0) \
    X(application_x_font_pcf, "application/x-font-pcf", 0) \
    X(application_x_font_snf, "application/x-font-snf", 0) \
    X(application_x_font_type1, "application/x-font-type1", 0) \
    X(application_x_freearc, "application/x-freearc", 0) \
    X(application_x_futuresplash, "application/x-futuresplash", 0) \
    X(application_x_gca_compressed, "application/x-gca-compressed", 0) \
    X(application_x_glulx, "application/x-glulx", 0) \
    X(application_x_gnumeric, "application/x-gnumeric", 0) \
    X(application_x_gramps_xml, "application/x-gramps-xml", 0) \
    X(application_x_gtar, "application/x-gtar", 0) \
    X(application_x_hdf, "application/x-hdf", 0) \
    X(application_x_httpd_php, "application/x-httpd-php", 1) \
    X(application_x_install_instructions, "application/x-install-instructions", 0) \
    X(application_x_ipynb_plus_json, "application/x-ipynb+json", 1) \
    X(application_x_java_archive_diff, "application/x-java-archive-diff", 0) \
    X(application_x_java_jnlp_file, "application/x-java-jnlp-file", 0) \
    X(application_x_keepass2, "application/x-keepass2", 0) \
    X(application_x_latex, "application/x-latex", 0) \
    X(application_x_lua_bytecode, "application/x-lua-bytecode", 0) \
    X(application_x_lzh_compressed, "application/x-lzh-compressed", 0) \
    X(application_x_makeself, "application/x-makeself", 0) \
    X(application_x_mie, "application/x-mie", 0) \
    X(application_x_mobipocket_ebook, "application/x-mobipocket-ebook", 0) \
    X(application_x_ms_application, "application/x-ms-application", 0) \
    X(application_x_ms_shortcut, "application/x-ms-shortcut", 0) \
    X(application_x_ms_wmd, "application/x-ms-wmd", 0) \
    X(application_x_ms_wmz, "application/x-ms-wmz", 0) \
    X(application_x_ms_xbap, "application/x-ms-xbap", 0) \
    X(application_x_msaccess, "application/x-msaccess", 0) \
    X(application_x_msbinder, "application/x-msbinder", 0) \
    X(application_x_mscardfile, "application/x-mscardfile", 0) \
    X(application_x_msclip, "application/x-msclip", 0) \
    X(application_x_msdownload, "application/x-msdownload", 0) \
    X(application_x_msmediaview, "application/x-msmediaview", 0) \
    X(application_x_msmetafile, "application/x-msmetafile", 0) \
    X(application_x_msmoney, "application/x-msmoney", 0) \
    X(application_x_mspublisher, "application/x-mspublisher", 0) \
    X(application_x_msschedule, "application/x-msschedule", 0) \
    X(application_x_msterminal, "application/x-msterminal", 0) \
    X(application_x_mswrite, "application/x-mswrite", 0) \
    X(application_x_ndjson, "application/x-ndjson", 1) \
    X(application_x_netcdf, "application/x-netcdf", 0) \
    X(application_x_ns_proxy_autoconfig, "application/x-ns-proxy-autoconfig", 1) \
    X(application_x_nzb, "application/x-nzb", 0) \
    X(application_x_perl, "application/x-perl", 0) \
    X(application_x_pkcs12, "application/x-pkcs12", 0) \
    X(application_x_pkcs7_certificates, "application/x-pkcs7-certificates", 0) \
    X(application_x_pkcs7_certreqresp, "application/x-pkcs7-certreqresp", 0) \
    X(application_x_redhat_package_manager, "application/x-redhat-package-manager", 0) \
    X(application_x_research_info_systems, "application/x-research-info-systems", 0) \
    X(application_x_sea, "application/x-sea", 0) \
    X(application_x_sh, "application/x-sh", 1) \
    X(application_x_shar, "application/x-shar", 0) \
    X(application_x_shockwave_flash, "application/x-shockwave-flash", 0) \
    X(application_x_silverlight_app, "application/x-silverlight-app", 0) \
    X(application_x_stuffit, "application/x-stuffit", 0) \
    X(application_x_stuffitx, "application/x-stuffitx", 0) \
    X(application_x_subrip, "application/x-subrip", 0) \
    X(application_x_sv4cpio, "application/x-sv4cpio", 0) \
    X(application_x_sv4crc, "application/x-sv4crc", 0) \
    X(application_x_t3vm_image, "application/x-t3vm-image", 0) \
    X(application_x_tads, "application/x-tads", 0) \
    X(application_x_tar, "application/x-tar", 1) \
    X(application_x_tcl, "application/x-tcl", 0) \
    X(application_x_tex, "application/x-tex", 0) \
    X(application_x_tex_tfm, "application/x-tex-tfm", 0) \
    X(application_x_texinfo, "application/x-texinfo", 0) \
    X(application_x_ustar, "application/x-ustar", 0) \
    X(application_x_virtualbox_hdd, "application/x-virtualbox-hdd", 1) \
    X(application_x_virtualbox_ova, "application/x-virtualbox-ova", 1) \
    X(application_x_virtualbox_ovf, "application/x-virtualbox-ovf", 1) \
    X(application_x_virtualbox_vbox, "application/x-virtualbox-vbox", 1) \
    X(application_x_virtualbox_vbox_extpack, "application/x-virtualbox-vbox-extpack", 0) \
    X(application_x_virtualbox_vdi, "application/x-virtualbox-vdi", 1) \
    X(application_x_virtualbox_vhd, "application/x-virtualbox-vhd", 1) \
    X(application_x_virtualbox_vmdk, "application/x-virtualbox-vmdk", 1) \
    X(application_x_wais_source, "application/x-wais-source", 0) \
    X(application_x_web_app_manifest_plus_json, "application/x-web-app-manifest+json", 1) \
    X(application_x_x509_ca_cert, "application/x-x509-ca-cert", 0) \
    X(application_x_xfig, "application/x-xfig", 0) \
    X(application_x_xpinstall, "application/x-xpinstall", 0) \
    X(application_x_xz, "application/x-xz", 0) \
    X(application_x_zmachine, "application/x-zmachine", 0) \
    X(application_xaml_plus_xml, "application/xaml+xml", 1) \
    X(application_xcap_att_plus_xml, "application/xcap-att+xml", 1) \
    X(application_xcap_caps_plus_xml, "application/xcap-caps+xml", 1) \
    X(application_xcap_diff_plus_xml, "application/xcap-diff+xml", 1) \
    X(application_xcap_el_plus_xml, "application/xcap-el+xml", 1) \
    X(application_xcap_ns_plus_xml, "application/xcap-ns+xml", 1) \
    X(application_xenc_plus_xml, "application/xenc+xml", 1) \
    X(application_xfdf, "application/xfdf", 0) \
    X(application_xhtml_plus_xml, "application/xhtml+xml", 1) \
    X(application_xliff_plus_xml, "application/xliff+xml", 1) \
    X(application_xml, "application/xml", 1) \
    X(application_xml_dtd, "application/xml-dtd", 1) \
    X(application_xop_plus_xml, "application/xop+xml", 1) \
    X(application_xproc_plus_xml, "application/xproc+xml", 1) \
    X(application_xslt_plus_xml, "application/xslt+xml", 1) \
    X(application_xspf_plus_xml, "application/xspf+xml", 1) \
    X(application_xv_plus_xml, "application/xv+xml", 1) \
    X(application_yang, "application/yang", 0) \
    X(application_yin_plus_xml, "application/yin+xml", 1) \
    X(application_zip, "application/zip", 0) \
    X(application_zip_plus_dotlottie, "application/zip+dotlottie", 0) \
    X(application_zstd, "application/zstd", 0) \
    X(audio_aac, "audio/aac", 0) \
    X(audio_adpcm, "audio/adpcm", 0) \
    X(audio_amr, "audio/amr", 0) \
    X(audio_basic, "audio/basic", 0) \
    X(audio_flac, "audio/flac", 0) \
    X(audio_midi, "audio/midi", 0) \
    X(audio_mobile_xmf, "audio/mobile-xmf", 0) \
    X(audio_mp4, "audio/mp4", 0) \
    X(audio_mpeg, "audio/mpeg", 0) \
    X(audio_ogg, "audio/ogg", 0) \
    X(audio_s3m, "audio/s3m", 0) \
    X(audio_silk, "audio/silk", 0) \
    X(audio_vnd_dece_audio, "audio/vnd.dece.audio", 0) \
    X(audio_vnd_digital_winds, "audio/vnd.digital-winds", 0) \
    X(audio_vnd_dra, "audio/vnd.dra", 0) \
    X(audio_vnd_dts, "audio/vnd.dts", 0) \
    X(audio_vnd_dts_hd, "audio/vnd.dts.hd", 0) \
    X(audio_vnd_lucent_voice, "audio/vnd.lucent.voice", 0) \
    X(audio_vnd_ms_playready_media_pya, "audio/vnd.ms-playready.media.pya", 0) \
    X(audio_vnd_nuera_ecelp4800, "audio/vnd.nuera.ecelp4800", 0) \
    X(audio_vnd_nuera_ecelp7470, "audio/vnd.nuera.ecelp7470", 0) \
    X(audio_vnd_nuera_ecelp9600, "audio/vnd.nuera.ecelp9600", 0) \
    X(audio_vnd_rip, "audio/vnd.rip", 0) \
    X(audio_wav, "audio/wav", 0) \
    X(audio_webm, "audio/webm", 0) \
    X(audio_x_aiff, "audio/x-aiff", 0) \
    X(audio_x_caf, "audio/x-caf", 0) \
    X(audio_x_matroska, "audio/x-matroska", 0) \
    X(audio_x_mpegurl, "audio/x-mpegurl", 0) \
    X(audio_x_ms_wax, "audio/x-ms-wax", 0) \
    X(audio_x_ms_wma, "audio/x-ms-wma", 0) \
    X(audio_x_pn_realaudio, "audio/x-pn-realaudio", 0) \
    X(audio_x_pn_realaudio_plugin, "audio/x-pn-realaudio-plugin", 0) \
    X(audio_xm, "audio/xm", 0) \
    X(chemical_x_cdx, "chemical/x-cdx", 0) \
    X(chemical_x_cif, "chemical/x-cif", 0) \
    X(chemical_x_cmdf, "chemical/x-cmdf", 0) \
    X(chemical_x_cml, "chemical/x-cml", 0) \
    X(chemical_x_csml, "chemical/x-csml", 0) \
    X(chemical_x_xyz, "chemical/x-xyz", 0) \
    X(font_collection, "font/collection", 0) \
    X(font_otf, "font/otf", 1) \
    X(font_ttf, "font/ttf", 1) \
    X(font_woff, "font/woff", 0) \
    X(font_woff2, "font/woff2", 0) \
    X(image_aces, "image/aces", 0) \
    X(image_apng, "image/apng", 0) \
    X(image_avci, "image/avci", 0) \
    X(image_avcs, "image/avcs", 0) \
    X(image_avif, "image/avif", 0) \
    X(image_bmp, "image/bmp", 1) \
    X(image_cgm, "image/cgm", 0) \
    X(image_dicom_rle, "image/dicom-rle", 0) \
    X(image_dpx, "image/dpx", 0) \
    X(image_emf, "image/emf", 0) \
    X(image_fits, "image/fits", 0) \
    X(image_g3fax, "image/g3fax", 0) \
    X(image_gif, "image/gif", 0) \
    X(image_heic, "image/heic", 0) \
    X(image_heic_sequence, "image/heic-sequence", 0) \
    X(image_heif, "image/heif", 0) \
    X(image_heif_sequence, "image/heif-sequence", 0) \
    X(image_hej2k, "image/hej2k", 0) \
    X(image_ief, "image/ief", 0) \
    X(image_jaii, "image/jaii", 0) \
    X(image_jais, "image/jais", 0) \
    X(image_jls, "image/jls", 0) \
    X(image_jp2, "image/jp2", 0) \
    X(image_jpeg, "image/jpeg", 0) \
    X(image_jph, "image/jph", 0) \
    X(image_jphc, "image/jphc", 0) \
    X(image_jpm, "image/jpm", 0) \
    X(image_jpx, "image/jpx", 0) \
    X(image_jxl, "image/jxl", 0) \
    X(image_jxr, "image/jxr", 0) \
    X(image_jxra, "image/jxra", 0) \
    X(image_jxrs, "image/jxrs", 0) \
    X(image_jxs, "image/jxs", 0) \
    X(image_jxsc, "image/jxsc", 0) \
    X(image_jxsi, "image/jxsi", 0) \
    X(image_jxss, "image/jxss", 0) \
    X(image_ktx, "image/ktx", 0) \
    X(image_ktx2, "image/ktx2", 0) \
    X(image_pjpeg, "image/pjpeg", 0) \
    X(image_png, "image/png", 0) \
    X(image_prs_btif, "image/prs.btif", 0) \
    X(image_prs_pti, "image/prs.pti", 0) \
    X(image_sgi, "image/sgi", 0) \
    X(image_svg_plus_xml, "image/svg+xml", 1) \
    X(image_t38, "image/t38", 0) \
    X(image_tiff, "image/tiff", 0) \
    X(image_tiff_fx, "image/tiff-fx", 0) \
    X(image_vnd_adobe_photoshop, "image/vnd.adobe.photoshop", 1) \
    X(image_vnd_airzip_accelerator_azv, "image/vnd.airzip.accelerator.azv", 0) \
    X(image_vnd_dece_graphic, "image/vnd.dece.graphic", 0) \
    X(image_vnd_djvu, "image/vnd.djvu", 0) \
    X(image_vnd_dvb_subtitle, "image/vnd.dvb.subtitle", 0) \
    X(image_vnd_dwg, "image/vnd.dwg", 0) \
    X(image_vnd_dxf, "image/vnd.dxf", 0) \
    X(image_vnd_fastbidsheet, "image/vnd.fastbidsheet", 0) \
    X(image_vnd_fpx, "image/vnd.fpx", 0) \
    X(image_vnd_fst, "image/vnd.fst", 0) \
    X(image_vnd_fujixerox_edmics_mmr, "image/vnd.fujixerox.edmics-mmr", 0) \
    X(image_vnd_fujixerox_edmics_rlc, "image/vnd.fujixerox.edmics-rlc", 0) \
    X(image_vnd_microsoft_icon, "image/vnd.microsoft.icon", 1) \
    X(image_vnd_ms_dds, "image/vnd.ms-dds", 1) \
    X(image_vnd_ms_modi, "image/vnd.ms-modi", 0) \
    X(image_vnd_ms_photo, "image/vnd.ms-photo", 0) \
    X(image_vnd_net_fpx, "image/vnd.net-fpx", 0) \
    X(image_vnd_pco_b16, "image/vnd.pco.b16", 0) \
    X(image_vnd_tencent_tap, "image/vnd.tencent.tap", 0) \
    X(image_vnd_valve_source_texture, "image/vnd.valve.source.texture", 0) \
    X(image_vnd_wap_wbmp, "image/vnd.wap.wbmp", 0) \
    X(image_vnd_xiff, "image/vnd.xiff", 0) \
    X(image_vnd_zbrush_pcx, "image/vnd.zbrush.pcx", 0) \
    X(image_webp, "image/webp", 0) \
    X(image_wmf, "image/wmf", 0) \
    X(image_x_3ds, "image/x-3ds", 0) \
    X(image_x_adobe_dng, "image/x-adobe-dng", 0) \
    X(image_x_cmu_raster, "image/x-cmu-raster", 0) \
    X(image_x_cmx, "image/x-cmx", 0) \
    X(image_x_freehand, "image/x-freehand", 0) \
    X(image_x_jng, "image/x-jng", 0) \
    X(image_x_mrsid_image, "image/x-mrsid-image", 0) \
    X(image_x_pict, "image/x-pict", 0) \
    X(image_x_portable_anymap, "image/x-portable-anymap", 0) \
    X(image_x_portable_bitmap, "image/x-portable-bitmap", 0) \
    X(image_x_portable_graymap, "image/x-portable-graymap", 0) \
    X(image_x_portable_pixmap, "image/x-portable-pixmap", 0) \
    X(image_x_rgb, "image/x-rgb", 0) \
    X(image_x_tga, "image/x-tga", 0) \
    X(image_x_xbitmap, "image/x-xbitmap", 0) \
    X(image_x_xpixmap, "image/x-xpixmap", 0) \
    X(image_x_xwindowdump, "image/x-xwindowdump", 0) \
    X(message_global, "message/global", 0) \
    X(message_global_delivery_status, "message/global-delivery-status", 0) \
    X(message_global_disposition_notification, "message/global-disposition-notification", 0) \
    X(message_global_headers, "message/global-headers", 0) \
    X(message_rfc822, "message/rfc822", 1) \
    X(message_vnd_wfa_wsc, "message/vnd.wfa.wsc", 0) \
    X(model_3mf, "model/3mf", 0) \
    X(model_gltf_plus_json, "model/gltf+json", 1) \
    X(model_gltf_binary, "model/gltf-binary", 1) \
    X(model_iges, "model/iges", 0) \
    X(model_jt, "model/jt", 0) \
    X(model_mesh, "model/mesh", 0) \
    X(model_mtl, "model/mtl", 0) \
    X(model_obj, "model/obj", 0) \
    X(model_prc, "model/prc", 0) \
    X(model_step, "model/step", 0) \
    X(model_step_plus_xml, "model/step+xml", 1) \
    X(model_step_plus_zip, "model/step+zip", 0) \
    X(model_step_xml_plus_zip, "model/step-xml+zip", 0) \
    X(model_stl, "model/stl", 0) \
    X(model_u3d, "model/u3d", 0) \
    X(model_vnd_bary, "model/vnd.bary", 0) \
    X(model_vnd_cld, "model/vnd.cld", 0) \
    X(model_vnd_collada_plus_xml, "model/vnd.collada+xml", 1) \
    X(model_vnd_dwf, "model/vnd.dwf", 0) \
    X(model_vnd_gdl, "model/vnd.gdl", 0) \
    X(model_vnd_gtw, "model/vnd.gtw", 0) \
    X(model_vnd_opengex, "model/vnd.opengex", 0) \
    X(model_vnd_parasolid_transmit_binary, "model/vnd.parasolid.transmit.binary", 0) \
    X(model_vnd_parasolid_transmit_text, "model/vnd.parasolid.transmit.text", 0) \
    X(model_vnd_pytha_pyox, "model/vnd.pytha.pyox", 0) \
    X(model_vnd_sap_vds, "model/vnd.sap.vds", 0) \
    X(model_vnd_usda, "model/vnd.usda", 0) \
    X(model_vnd_usdz_plus_zip, "model/vnd.usdz+zip", 0) \
    X(model_vnd_valve_source_compiled_map, "model/vnd.valve.source.compiled-map", 0) \
    X(model_vnd_vtu, "model/vnd.vtu", 0) \
    X(model_vrml, "model/vrml", 0) \
    X(model_x3d_plus_binary, "model/x3d+binary", 0) \
    X(model_x3d_plus_fastinfoset, "model/x3d+fastinfoset", 0) \
    X(model_x3d_plus_vrml, "model/x3d+vrml", 0) \
    X(model_x3d_plus_xml, "model/x3d+xml", 1) \
    X(model_x3d_vrml, "model/x3d-vrml", 0) \
    X(text_cache_manifest, "text/cache-manifest; charset=utf-8", 1) \
    X(text_calendar, "text/calendar; charset=utf-8", 1) \
    X(text_coffeescript, "text/coffeescript; charset=utf-8", 1) \
    X(text_css, "text/css; charset=utf-8", 1) \
    X(text_csv, "text/csv; charset=utf-8", 1) \
    X(text_html, "text/html; charset=utf-8", 1) \
    X(text_jade, "text/jade; charset=utf-8", 1) \
    X(text_javascript, "text/javascript; charset=utf-8", 1) \
    X(text_jsx, "text/jsx; charset=utf-8", 1) \
    X(text_less, "text/less; charset=utf-8", 1) \
    X(text_markdown, "text/markdown; charset=utf-8", 1) \
    X(text_mathml, "text/mathml; charset=utf-8", 1) \
    X(text_mdx, "text/mdx; charset=utf-8", 1) \
    X(text_n3, "text/n3; charset=utf-8", 1) \
    X(text_plain, "text/plain; charset=utf-8", 1) \
    X(text_prs_lines_tag, "text/prs.lines.tag; charset=utf-8", 1) \
    X(text_richtext, "text/richtext; charset=utf-8", 1) \
    X(text_sgml, "text/sgml; charset=utf-8", 1) \
    X(text_shex, "text/shex; charset=utf-8", 1) \
    X(text_slim, "text/slim; charset=utf-8", 1) \
    X(text_spdx, "text/spdx; charset=utf-8", 1) \
    X(text_stylus, "text/stylus; charset=utf-8", 1) \
    X(text_tab_separated_values, "text/tab-separated-values; charset=utf-8", 1) \
    X(text_troff, "text/troff; charset=utf-8", 1) \
    X(text_turtle, "text/turtle; charset=utf-8", 1) \
    X(text_uri_list, "text/uri-list; charset=utf-8", 1) \
    X(text_vcard, "text/vcard; charset=utf-8", 1) \
    X(text_vnd_curl, "text/vnd.curl; charset=utf-8", 1) \
    X(text_vnd_curl_dcurl, "text/vnd.curl.dcurl; charset=utf-8", 1) \
    X(text_vnd_curl_mcurl, "text/vnd.curl.mcurl; charset=utf-8", 1) \
    X(text_vnd_curl_scurl, "text/vnd.curl.scurl; charset=utf-8", 1) \
    X(text_vnd_familysearch_gedcom, "text/vnd.familysearch.gedcom; charset=utf-8", 1) \
    X(text_vnd_fly, "text/vnd.fly; charset=utf-8", 1) \
    X(text_vnd_fmi_flexstor, "text/vnd.fmi.flexstor; charset=utf-8", 1) \
    X(text_vnd_graphviz, "text/vnd.graphviz; charset=utf-8", 1) \
    X(text_vnd_in3d_3dml, "text/vnd.in3d.3dml; charset=utf-8", 1) \
    X(text_vnd_in3d_spot, "text/vnd.in3d.spot; charset=utf-8", 1) \
    X(text_vnd_sun_j2me_app_descriptor, "text/vnd.sun.j2me.app-descriptor; charset=utf-8", 1) \
    X(text_vnd_wap_wml, "text/vnd.wap.wml; charset=utf-8", 1) \
    X(text_vnd_wap_wmlscript, "text/vnd.wap.wmlscript; charset=utf-8", 1) \
    X(text_vtt, "text/vtt; charset=utf-8", 1) \
    X(text_wgsl, "text/wgsl; charset=utf-8", 1) \
    X(text_x_asm, "text/x-asm; charset=utf-8", 1) \
    X(text_x_c, "text/x-c; charset=utf-8", 1) \
    X(text_x_component, "text/x-component; charset=utf-8", 1) \
    X(text_x_fortran, "text/x-fortran; charset=utf-8", 1) \
    X(text_x_handlebars_template, "text/x-handlebars-template; charset=utf-8", 1) \
    X(text_x_java_source, "text/x-java-source; charset=utf-8", 1) \
    X(text_x_lua, "text/x-lua; charset=utf-8", 1) \
    X(text_x_markdown, "text/x-markdown; charset=utf-8", 1) \
    X(text_x_nfo, "text/x-nfo; charset=utf-8", 1) \
    X(text_x_opml, "text/x-opml; charset=utf-8", 1) \
    X(text_x_org, "text/x-org; charset=utf-8", 1) \
    X(text_x_pascal, "text/x-pascal; charset=utf-8", 1) \
    X(text_x_processing, "text/x-processing; charset=utf-8", 1) \
    X(text_x_sass, "text/x-sass; charset=utf-8", 1) \
    X(text_x_scss, "text/x-scss; charset=utf-8", 1) \
    X(text_x_setext, "text/x-setext; charset=utf-8", 1) \
    X(text_x_sfv, "text/x-sfv; charset=utf-8", 1) \
    X(text_x_suse_ymp, "text/x-suse-ymp; charset=utf-8", 1) \
    X(text_x_uuencode, "text/x-uuencode; charset=utf-8", 1) \
    X(text_x_vcalendar, "text/x-vcalendar; charset=utf-8", 1) \
    X(text_x_vcard, "text/x-vcard; charset=utf-8", 1) \
    X(text_yaml, "text/yaml; charset=utf-8", 1) \
    X(video_3gpp, "video/3gpp", 0) \
    X(video_3gpp2, "video/3gpp2", 0) \
    X(video_h261, "video/h261", 0) \
    X(video_h263, "video/h263", 0) \
    X(video_h264, "video/h264", 0) \
    X(video_iso_segment, "video/iso.segment", 0) \
    X(video_jpeg, "video/jpeg", 0) \
    X(video_mj2, "video/mj2", 0) \
    X(video_mp2t, "video/mp2t", 0) \
    X(video_mp4, "video/mp4", 0) \
    X(video_mpeg, "video/mpeg", 0) \
    X(video_ogg, "video/ogg", 0) \
    X(video_quicktime, "video/quicktime", 0) \
    X(video_vnd_dece_hd, "video/vnd.dece.hd", 0) \
    X(video_vnd_dece_mobile, "video/vnd.dece.mobile", 0) \
    X(video_vnd_dece_pd, "video/vnd.dece.pd", 0) \
    X(video_vnd_dece_sd, "video/vnd.dece.sd", 0) \
    X(video_vnd_dece_video, "video/vnd.dece.video", 0) \
    X(video_vnd_dvb_file, "video/vnd.dvb.file", 0) \
    X(video_vnd_fvt, "video/vnd.fvt", 0) \
    X(video_vnd_mpegurl, "video/vnd.mpegurl", 0) \
    X(video_vnd_ms_playready_media_pyv, "video/vnd.ms-playready.media.pyv", 0) \
    X(video_vnd_uvvu_mp4, "video/vnd.uvvu.mp4", 0) \
    X(video_vnd_vivo, "video/vnd.vivo", 0) \
    X(video_webm, "video/webm", 0) \
    X(video_x_f4v, "video/x-f4v", 0) \
    X(video_x_fli, "video/x-fli", 0) \
    X(video_x_flv, "video/x-flv", 0) \
    X(video_x_m4v, "video/x-m4v", 0) \
    X(video_x_matroska, "video/x-matroska", 0) \
    X(video_x_mng, "video/x-mng", 0) \
    X(video_x_ms_asf, "video/x-ms-asf", 0) \
    X(video_x_ms_vob, "video/x-ms-vob", 0) \
    X(video_x_ms_wm, "video/x-ms-wm", 0) \
    X(video_x_ms_wmv, "video/x-ms-wmv", 0) \
    X(video_x_ms_wmx, "video/x-ms-wmx", 0) \
    X(video_x_ms_wvx, "video/x-ms-wvx", 0) \
    X(video_x_msvideo, "video/x-msvideo", 0) \
    X(video_x_sgi_movie, "video/x-sgi-movie", 0) \
    X(video_x_smv, "video/x-smv", 0) \
    X(x_conference_x_cooltalk, "x-conference/x-cooltalk", 0)

/*  extension, type; sorted by bytes, a shorter one before a longer */
#define MIME_EXTENSION_TABLE(X) \
    X("123", application_vnd_lotus_1_2_3) \
    X("1km", application_vnd_1000minds_decision_model_plus_xml) \
    X("210", model_step) \
    X("3dml", text_vnd_in3d_3dml) \
    X("3ds", image_x_3ds) \
    X("3g2", video_3gpp2) \
    X("3gp", video_3gpp) \
    X("3gpp", video_3gpp) \
    X("3mf", model_3mf) \
    X("7z", application_x_7z_compressed) \
    X("aab", application_x_authorware_bin) \
    X("aac", audio_aac) \
    X("aam", application_x_authorware_map) \
    X("aas", application_x_authorware_seg) \
    X("abw", application_x_abiword) \
    X("ac", application_pkix_attr_cert) \
    X("acc", application_vnd_americandynamics_acc) \
    X("ace", application_x_ace_compressed) \
    X("acu", application_vnd_acucobol) \
    X("acutc", application_vnd_acucorp) \
    X("adp", audio_adpcm) \
    X("adts", audio_aac) \
    X("aep", application_vnd_audiograph) \
    X("afm", application_x_font_type1) \
    X("afp", application_vnd_ibm_modcap) \
    X("age", application_vnd_age) \
    X("ahead", application_vnd_ahead_space) \
    X("ai", application_postscript) \
    X("aif", audio_x_aiff) \
    X("aifc", audio_x_aiff) \
    X("aiff", audio_x_aiff) \
    X("air", application_vnd_adobe_air_application_installer_package_plus_zip) \
    X("ait", application_vnd_dvb_ait) \
    X("ami", application_vnd_amiga_ami) \
    X("aml", application_automationml_aml_plus_xml) \
    X("amlx", application_automationml_amlx_plus_zip) \
    X("amr", audio_amr) \
    X("apk", application_vnd_android_package_archive) \
    X("apng", image_apng) \
    X("appcache", text_cache_manifest) \
    X("appinstaller", application_appinstaller) \
    X("application", application_x_ms_application) \
    X("appx", application_appx) \
    X("appxbundle", application_appxbundle) \
    X("apr", application_vnd_lotus_approach) \
    X("arc", application_x_freearc) \
    X("arj", application_x_arj) \
    X("asc", application_pgp_signature) \
    X("asf", video_x_ms_asf) \
    X("asm", text_x_asm) \
    X("aso", application_vnd_accpac_simply_aso) \
    X("asx", video_x_ms_asf) \
    X("atc", application_vnd_acucorp) \
    X("atom", application_atom_plus_xml) \
    X("atomcat", application_atomcat_plus_xml) \
    X("atomdeleted", application_atomdeleted_plus_xml) \
    X("atomsvc", application_atomsvc_plus_xml) \
    X("atx", application_vnd_antix_game_component) \
    X("au", audio_basic) \
    X("avci", image_avci) \
    X("avcs", image_avcs) \
    X("avi", video_x_msvideo) \
    X("avif", image_avif) \
    X("aw", application_applixware) \
    X("azf", application_vnd_airzip_filesecure_azf) \
    X("azs", application_vnd_airzip_filesecure_azs) \
    X("azv", image_vnd_airzip_accelerator_azv) \
    X("azw", application_vnd_amazon_ebook) \
    X("b16", image_vnd_pco_b16) \
    X("bary", model_vnd_bary) \
    X("bash", text_plain) \
    X("bat", application_x_msdownload) \
    X("bcpio", application_x_bcpio) \
    X("bdf", application_x_font_bdf) \
    X("bdm", application_vnd_syncml_dm_plus_wbxml) \
    X("bdo", application_vnd_nato_bindingdataobject_plus_xml) \
    X("bdoc", application_bdoc) \
    X("bed", application_vnd_realvnc_bed) \
    X("bh2", application_vnd_fujitsu_oasysprs) \
    X("bin", application_octet_stream) \
    X("blb", application_x_blorb) \
    X("blend", application_x_blender) \
    X("blorb", application_x_blorb) \
    X("bmi", application_vnd_bmi) \
    X("bmml", application_vnd_balsamiq_bmml_plus_xml) \
    X("bmp", image_bmp) \
    X("book", application_vnd_framemaker) \
    X("box", application_vnd_previewsystems_box) \
    X("boz", application_x_bzip2) \
    X("bpk", application_octet_stream) \
    X("brush", application_vnd_procreate_brush) \
    X("brushset", application_vnd_procrate_brushset) \
    X("bsp", model_vnd_valve_source_compiled_map) \
    X("btf", image_prs_btif) \
    X("btif", image_prs_btif) \
    X("buffer", application_octet_stream) \
    X("bz", application_x_bzip) \
    X("bz2", application_x_bzip2) \
    X("c", text_x_c) \
    X("c11amc", application_vnd_cluetrust_cartomobile_config) \
    X("c11amz", application_vnd_cluetrust_cartomobile_config_pkg) \
    X("c4d", application_vnd_clonk_c4group) \
    X("c4f", application_vnd_clonk_c4group) \
    X("c4g", application_vnd_clonk_c4group) \
    X("c4p", application_vnd_clonk_c4group) \
    X("c4u", application_vnd_clonk_c4group) \
    X("cab", application_vnd_ms_cab_compressed) \
    X("caf", audio_x_caf) \
    X("cap", application_vnd_tcpdump_pcap) \
    X("car", application_vnd_curl_car) \
    X("cat", application_vnd_ms_pki_seccat) \
    X("cb7", application_x_cbr) \
    X("cba", application_x_cbr) \
    X("cbr", application_x_cbr) \
    X("cbt", application_x_cbr) \
    X("cbz", application_x_cbr) \
    X("cc", text_x_c) \
    X("cco", application_x_cocoa) \
    X("cct", application_x_director) \
    X("ccxml", application_ccxml_plus_xml) \
    X("cdbcmsg", application_vnd_contact_cmsg) \
    X("cdf", application_x_netcdf) \
    X("cdfx", application_cdfx_plus_xml) \
    X("cdkey", application_vnd_mediastation_cdkey) \
    X("cdmia", application_cdmi_capability) \
    X("cdmic", application_cdmi_container) \
    X("cdmid", application_cdmi_domain) \
    X("cdmio", application_cdmi_object) \
    X("cdmiq", application_cdmi_queue) \
    X("cdx", chemical_x_cdx) \
    X("cdxml", application_vnd_chemdraw_plus_xml) \
    X("cdy", application_vnd_cinderella) \
    X("cer", application_pkix_cert) \
    X("cfg", text_plain) \
    X("cfs", application_x_cfs_compressed) \
    X("cgm", image_cgm) \
    X("chat", application_x_chat) \
    X("chm", application_vnd_ms_htmlhelp) \
    X("chrt", application_vnd_kde_kchart) \
    X("cif", chemical_x_cif) \
    X("cii", application_vnd_anser_web_certificate_issue_initiation) \
    X("cil", application_vnd_ms_artgalry) \
    X("cjs", application_node) \
    X("cla", application_vnd_claymore) \
    X("class", application_java_vm) \
    X("cld", model_vnd_cld) \
    X("clkk", application_vnd_crick_clicker_keyboard) \
    X("clkp", application_vnd_crick_clicker_palette) \
    X("clkt", application_vnd_crick_clicker_template) \
    X("clkw", application_vnd_crick_clicker_wordbank) \
    X("clkx", application_vnd_crick_clicker) \
    X("clp", application_x_msclip) \
    X("cmc", application_vnd_cosmocaller) \
    X("cmdf", chemical_x_cmdf) \
    X("cml", chemical_x_cml) \
    X("cmp", application_vnd_yellowriver_custom_menu) \
    X("cmx", image_x_cmx) \
    X("cod", application_vnd_rim_cod) \
    X("coffee", text_coffeescript) \
    X("com", application_x_msdownload) \
    X("conf", text_plain) \
    X("cpio", application_x_cpio) \
    X("cpl", application_cpl_plus_xml) \
    X("cpp", text_x_c) \
    X("cpt", application_mac_compactpro) \
    X("crd", application_x_mscardfile) \
    X("crl", application_pkix_crl) \
    X("crt", application_x_x509_ca_cert) \
    X("crx", application_x_chrome_extension) \
    X("cryptonote", application_vnd_rig_cryptonote) \
    X("csh", application_x_csh) \
    X("csl", application_vnd_citationstyles_style_plus_xml) \
    X("csml", chemical_x_csml) \
    X("csp", application_vnd_commonspace) \
    X("css", text_css) \
    X("cst", application_x_director) \
    X("csv", text_csv) \
    X("cu", application_cu_seeme) \
    X("curl", text_vnd_curl) \
    X("cwl", application_cwl) \
    X("cww", application_prs_cww) \
    X("cxt", application_x_director) \
    X("cxx", text_x_c) \
    X("dae", model_vnd_collada_plus_xml) \
    X("daf", application_vnd_mobius_daf) \
    X("dart", application_vnd_dart) \
    X("dataless", application_vnd_fdsn_seed) \
    X("davmount", application_davmount_plus_xml) \
    X("dbf", application_vnd_dbf) \
    X("dbk", application_docbook_plus_xml) \
    X("dcm", application_dicom) \
    X("dcmp", application_vnd_dcmp_plus_xml) \
    X("dcr", application_x_director) \
    X("dcurl", text_vnd_curl_dcurl) \
    X("dd2", application_vnd_oma_dd2_plus_xml) \
    X("ddd", application_vnd_fujixerox_ddd) \
    X("ddf", application_vnd_syncml_dmddf_plus_xml) \
    X("dds", image_vnd_ms_dds) \
    X("deb", application_octet_stream) \
    X("def", text_plain) \
    X("deploy", application_octet_stream) \
    X("der", application_x_x509_ca_cert) \
    X("dfac", application_vnd_dreamfactory) \
    X("dgc", application_x_dgc_compressed) \
    X("dib", image_bmp) \
    X("dic", text_x_c) \
    X("diff", text_plain) \
    X("dir", application_x_director) \
    X("dis", application_vnd_mobius_dis) \
    X("dist", application_octet_stream) \
    X("distz", application_octet_stream) \
    X("djv", image_vnd_djvu) \
    X("djvu", image_vnd_djvu) \
    X("dll", application_octet_stream) \
    X("dmg", application_octet_stream) \
    X("dmp", application_vnd_tcpdump_pcap) \
    X("dms", application_octet_stream) \
    X("dna", application_vnd_dna) \
    X("dng", image_x_adobe_dng) \
    X("doc", application_msword) \
    X("docm", application_vnd_ms_word_document_macroenabled_12) \
    X("docx", application_vnd_openxmlformats_officedocument_wordprocessingml_document) \
    X("dot", application_msword) \
    X("dotm", application_vnd_ms_word_template_macroenabled_12) \
    X("dotx", application_vnd_openxmlformats_officedocument_wordprocessingml_template) \
    X("dp", application_vnd_osgi_dp) \
    X("dpg", application_vnd_dpgraph) \
    X("dpx", image_dpx) \
    X("dra", audio_vnd_dra) \
    X("drle", image_dicom_rle) \
    X("drm", application_vnd_procreate_dream) \
    X("dsc", text_prs_lines_tag) \
    X("dssc", application_dssc_plus_der) \
    X("dtb", application_x_dtbook_plus_xml) \
    X("dtd", application_xml_dtd) \
    X("dts", audio_vnd_dts) \
    X("dtshd", audio_vnd_dts_hd) \
    X("dump", application_octet_stream) \
    X("dvb", video_vnd_dvb_file) \
    X("dvi", application_x_dvi) \
    X("dwd", application_atsc_dwd_plus_xml) \
    X("dwf", model_vnd_dwf) \
    X("dwg", image_vnd_dwg) \
    X("dxf", image_vnd_dxf) \
    X("dxp", application_vnd_spotfire_dxp) \
    X("dxr", application_x_director) \
    X("ear", application_java_archive) \
    X("ecelp4800", audio_vnd_nuera_ecelp4800) \
    X("ecelp7470", audio_vnd_nuera_ecelp7470) \
    X("ecelp9600", audio_vnd_nuera_ecelp9600) \
    X("ecma", application_ecmascript) \
    X("edm", application_vnd_novadigm_edm) \
    X("edx", application_vnd_novadigm_edx) \
    X("efif", application_vnd_picsel) \
    X("ei6", application_vnd_pg_osasli) \
    X("elc", application_octet_stream) \
    X("emf", image_emf) \
    X("eml", message_rfc822) \
    X("emma", application_emma_plus_xml) \
    X("emotionml", application_emotionml_plus_xml) \
    X("emz", application_x_msmetafile) \
    X("eol", audio_vnd_digital_winds) \
    X("eot", application_vnd_ms_fontobject) \
    X("eps", application_postscript) \
    X("epub", application_epub_plus_zip) \
    X("es3", application_vnd_eszigno3_plus_xml) \
    X("esa", application_vnd_osgi_subsystem) \
    X("esf", application_vnd_epson_esf) \
    X("et3", application_vnd_eszigno3_plus_xml) \
    X("etx", text_x_setext) \
    X("eva", application_x_eva) \
    X("evy", application_x_envoy) \
    X("exe", application_octet_stream) \
    X("exi", application_exi) \
    X("exp", application_express) \
    X("exr", image_aces) \
    X("ext", application_vnd_novadigm_ext) \
    X("ez", application_andrew_inset) \
    X("ez2", application_vnd_ezpix_album) \
    X("ez3", application_vnd_ezpix_package) \
    X("f", text_x_fortran) \
    X("f4v", video_x_f4v) \
    X("f77", text_x_fortran) \
    X("f90", text_x_fortran) \
    X("fbs", image_vnd_fastbidsheet) \
    X("fbx", application_vnd_autodesk_fbx) \
    X("fcdt", application_vnd_adobe_formscentral_fcdt) \
    X("fcs", application_vnd_isac_fcs) \
    X("fdf", application_fdf) \
    X("fdt", application_fdt_plus_xml) \
    X("fe_launch", application_vnd_denovo_fcselayout_link) \
    X("fg5", application_vnd_fujitsu_oasysgp) \
    X("fgd", application_x_director) \
    X("fh", image_x_freehand) \
    X("fh4", image_x_freehand) \
    X("fh5", image_x_freehand) \
    X("fh7", image_x_freehand) \
    X("fhc", image_x_freehand) \
    X("fig", application_x_xfig) \
    X("fits", image_fits) \
    X("flac", audio_flac) \
    X("fli", video_x_fli) \
    X("flo", application_vnd_micrografx_flo) \
    X("flv", video_x_flv) \
    X("flw", application_vnd_kde_kivio) \
    X("flx", text_vnd_fmi_flexstor) \
    X("fly", text_vnd_fly) \
    X("fm", application_vnd_framemaker) \
    X("fnc", application_vnd_frogans_fnc) \
    X("fo", application_vnd_software602_filler_form_plus_xml) \
    X("for", text_x_fortran) \
    X("fpx", image_vnd_fpx) \
    X("frame", application_vnd_framemaker) \
    X("fsc", application_vnd_fsc_weblaunch) \
    X("fst", image_vnd_fst) \
    X("ftc", application_vnd_fluxtime_clip) \
    X("fti", application_vnd_anser_web_funds_transfer_initiation) \
    X("fvt", video_vnd_fvt) \
    X("fxp", application_vnd_adobe_fxp) \
    X("fxpl", application_vnd_adobe_fxp) \
    X("fzs", application_vnd_fuzzysheet) \
    X("g2w", application_vnd_geoplan) \
    X("g3", image_g3fax) \
    X("g3w", application_vnd_geospace) \
    X("gac", application_vnd_groove_account) \
    X("gam", application_x_tads) \
    X("gbr", application_rpki_ghostbusters) \
    X("gca", application_x_gca_compressed) \
    X("gdl", model_vnd_gdl) \
    X("gdoc", application_vnd_google_apps_document) \
    X("gdraw", application_vnd_google_apps_drawing) \
    X("ged", text_vnd_familysearch_gedcom) \
    X("geo", application_vnd_dynageo) \
    X("geojson", application_geo_plus_json) \
    X("gex", application_vnd_geometry_explorer) \
    X("gform", application_vnd_google_apps_form) \
    X("ggb", application_vnd_geogebra_file) \
    X("ggs", application_vnd_geogebra_slides) \
    X("ggt", application_vnd_geogebra_tool) \
    X("ghf", application_vnd_groove_help) \
    X("gif", image_gif) \
    X("gim", application_vnd_groove_identity_message) \
    X("gjam", application_vnd_google_apps_jam) \
    X("glb", model_gltf_binary) \
    X("gltf", model_gltf_plus_json) \
    X("gmap", application_vnd_google_apps_map) \
    X("gml", application_gml_plus_xml) \
    X("gmx", application_vnd_gmx) \
    X("gnumeric", application_x_gnumeric) \
    X("go", text_plain) \
    X("gph", application_vnd_flographit) \
    X("gpx", application_gpx_plus_xml) \
    X("gqf", application_vnd_grafeq) \
    X("gqs", application_vnd_grafeq) \
    X("gram", application_srgs) \
    X("gramps", application_x_gramps_xml) \
    X("graphql", text_plain) \
    X("gre", application_vnd_geometry_explorer) \
    X("grv", application_vnd_groove_injector) \
    X("grxml", application_srgs_plus_xml) \
    X("gscript", application_vnd_google_apps_script) \
    X("gsf", application_x_font_ghostscript) \
    X("gsheet", application_vnd_google_apps_spreadsheet) \
    X("gsite", application_vnd_google_apps_site) \
    X("gslides", application_vnd_google_apps_presentation) \
    X("gtar", application_x_gtar) \
    X("gtm", application_vnd_groove_tool_message) \
    X("gtw", model_vnd_gtw) \
    X("gv", text_vnd_graphviz) \
    X("gxf", application_gxf) \
    X("gxt", application_vnd_geonext) \
    X("gz", application_gzip) \
    X("h", text_x_c) \
    X("h261", video_h261) \
    X("h263", video_h263) \
    X("h264", video_h264) \
    X("hal", application_vnd_hal_plus_xml) \
    X("har", application_json) \
    X("hbci", application_vnd_hbci) \
    X("hbs", text_x_handlebars_template) \
    X("hdd", application_x_virtualbox_hdd) \
    X("hdf", application_x_hdf) \
    X("heic", image_heic) \
    X("heics", image_heic_sequence) \
    X("heif", image_heif) \
    X("heifs", image_heif_sequence) \
    X("hej2", image_hej2k) \
    X("held", application_atsc_held_plus_xml) \
    X("hh", text_x_c) \
    X("hjson", application_hjson) \
    X("hlp", application_winhlp) \
    X("hpgl", application_vnd_hp_hpgl) \
    X("hpid", application_vnd_hp_hpid) \
    X("hps", application_vnd_hp_hps) \
    X("hqx", application_mac_binhex40) \
    X("htc", text_x_component) \
    X("htke", application_vnd_kenameaapp) \
    X("htm", text_html) \
    X("html", text_html) \
    X("hvd", application_vnd_yamaha_hv_dic) \
    X("hvp", application_vnd_yamaha_hv_voice) \
    X("hvs", application_vnd_yamaha_hv_script) \
    X("i2g", application_vnd_intergeo) \
    X("icc", application_vnd_iccprofile) \
    X("ice", x_conference_x_cooltalk) \
    X("icm", application_vnd_iccprofile) \
    X("ico", image_vnd_microsoft_icon) \
    X("ics", text_calendar) \
    X("ief", image_ief) \
    X("ifb", text_calendar) \
    X("ifm", application_vnd_shana_informed_formdata) \
    X("iges", model_iges) \
    X("igl", application_vnd_igloader) \
    X("igm", application_vnd_insors_igm) \
    X("igs", model_iges) \
    X("igx", application_vnd_micrografx_igx) \
    X("iif", application_vnd_shana_informed_interchange) \
    X("img", application_octet_stream) \
    X("imp", application_vnd_accpac_simply_imp) \
    X("ims", application_vnd_ms_ims) \
    X("in", text_plain) \
    X("ini", text_plain) \
    X("ink", application_inkml_plus_xml) \
    X("inkml", application_inkml_plus_xml) \
    X("install", application_x_install_instructions) \
    X("iota", application_vnd_astraea_software_iota) \
    X("ipfix", application_ipfix) \
    X("ipk", application_vnd_shana_informed_package) \
    X("ipynb", application_x_ipynb_plus_json) \
    X("irm", application_vnd_ibm_rights_management) \
    X("irp", application_vnd_irepository_package_plus_xml) \
    X("iso", application_octet_stream) \
    X("itp", application_vnd_shana_informed_formtemplate) \
    X("its", application_its_plus_xml) \
    X("ivp", application_vnd_immervision_ivp) \
    X("ivu", application_vnd_immervision_ivu) \
    X("jad", text_vnd_sun_j2me_app_descriptor) \
    X("jade", text_jade) \
    X("jaii", image_jaii) \
    X("jais", image_jais) \
    X("jam", application_vnd_jam) \
    X("jar", application_java_archive) \
    X("jardiff", application_x_java_archive_diff) \
    X("java", text_x_java_source) \
    X("jfif", image_pjpeg) \
    X("jhc", image_jphc) \
    X("jisp", application_vnd_jisp) \
    X("jls", image_jls) \
    X("jlt", application_vnd_hp_jlyt) \
    X("jng", image_x_jng) \
    X("jnlp", application_x_java_jnlp_file) \
    X("joda", application_vnd_joost_joda_archive) \
    X("jp2", image_jp2) \
    X("jpe", image_jpeg) \
    X("jpeg", image_jpeg) \
    X("jpf", image_jpx) \
    X("jpg", image_jpeg) \
    X("jpg2", image_jp2) \
    X("jpgm", image_jpm) \
    X("jpgv", video_jpeg) \
    X("jph", image_jph) \
    X("jpm", image_jpm) \
    X("jpx", image_jpx) \
    X("js", text_javascript) \
    X("json", application_json) \
    X("json5", application_json5) \
    X("jsonl", application_x_ndjson) \
    X("jsonld", application_ld_plus_json) \
    X("jsonml", application_jsonml_plus_json) \
    X("jsx", text_jsx) \
    X("jt", model_jt) \
    X("jxl", image_jxl) \
    X("jxr", image_jxr) \
    X("jxra", image_jxra) \
    X("jxrs", image_jxrs) \
    X("jxs", image_jxs) \
    X("jxsc", image_jxsc) \
    X("jxsi", image_jxsi) \
    X("jxss", image_jxss) \
    X("kar", audio_midi) \
    X("karbon", application_vnd_kde_karbon) \
    X("kdbx", application_x_keepass2) \
    X("key", application_vnd_apple_keynote) \
    X("kfo", application_vnd_kde_kformula) \
    X("kia", application_vnd_kidspiration) \
    X("kml", application_vnd_google_earth_kml_plus_xml) \
    X("kmz", application_vnd_google_earth_kmz) \
    X("kne", application_vnd_kinar) \
    X("knp", application_vnd_kinar) \
    X("kon", application_vnd_kde_kontour) \
    X("kpr", application_vnd_kde_kpresenter) \
    X("kpt", application_vnd_kde_kpresenter) \
    X("kpxx", application_vnd_ds_keypoint) \
    X("ksp", application_vnd_kde_kspread) \
    X("kt", text_plain) \
    X("ktr", application_vnd_kahootz) \
    X("ktx", image_ktx) \
    X("ktx2", image_ktx2) \
    X("ktz", application_vnd_kahootz) \
    X("kwd", application_vnd_kde_kword) \
    X("kwt", application_vnd_kde_kword) \
    X("lasxml", application_vnd_las_las_plus_xml) \
    X("latex", application_x_latex) \
    X("lbd", application_vnd_llamagraphics_life_balance_desktop) \
    X("lbe", application_vnd_llamagraphics_life_balance_exchange_plus_xml) \
    X("les", application_vnd_hhe_lesson_player) \
    X("less", text_less) \
    X("lgr", application_lgr_plus_xml) \
    X("lha", application_x_lzh_compressed) \
    X("link66", application_vnd_route66_link66_plus_xml) \
    X("list", text_plain) \
    X("list3820", application_vnd_ibm_modcap) \
    X("listafp", application_vnd_ibm_modcap) \
    X("litcoffee", text_coffeescript) \
    X("lnk", application_x_ms_shortcut) \
    X("lock", text_plain) \
    X("log", text_plain) \
    X("lostxml", application_lost_plus_xml) \
    X("lottie", application_zip_plus_dotlottie) \
    X("lrf", application_octet_stream) \
    X("lrm", application_vnd_ms_lrm) \
    X("ltf", application_vnd_frogans_ltf) \
    X("lua", text_x_lua) \
    X("luac", application_x_lua_bytecode) \
    X("lvp", audio_vnd_lucent_voice) \
    X("lwp", application_vnd_lotus_wordpro) \
    X("lzh", application_x_lzh_compressed) \
    X("m13", application_x_msmediaview) \
    X("m14", application_x_msmediaview) \
    X("m1v", video_mpeg) \
    X("m21", application_mp21) \
    X("m2a", audio_mpeg) \
    X("m2t", video_mp2t) \
    X("m2ts", video_mp2t) \
    X("m2v", video_mpeg) \
    X("m3a", audio_mpeg) \
    X("m3u", audio_x_mpegurl) \
    X("m3u8", application_vnd_apple_mpegurl) \
    X("m4a", audio_mp4) \
    X("m4b", audio_mp4) \
    X("m4p", application_mp4) \
    X("m4s", video_iso_segment) \
    X("m4u", video_vnd_mpegurl) \
    X("m4v", video_x_m4v) \
    X("ma", application_mathematica) \
    X("mads", application_mads_plus_xml) \
    X("maei", application_mmt_aei_plus_xml) \
    X("mag", application_vnd_ecowin_chart) \
    X("maker", application_vnd_framemaker) \
    X("man", text_troff) \
    X("manifest", text_cache_manifest) \
    X("map", application_json) \
    X("mar", application_octet_stream) \
    X("markdown", text_markdown) \
    X("mathml", application_mathml_plus_xml) \
    X("mb", application_mathematica) \
    X("mbk", application_vnd_mobius_mbk) \
    X("mbox", application_mbox) \
    X("mc1", application_vnd_medcalcdata) \
    X("mcd", application_vnd_mcd) \
    X("mcurl", text_vnd_curl_mcurl) \
    X("md", text_markdown) \
    X("md5", text_plain) \
    X("mdb", application_x_msaccess) \
    X("mdi", image_vnd_ms_modi) \
    X("mdx", text_mdx) \
    X("me", text_troff) \
    X("mesh", model_mesh) \
    X("meta4", application_metalink4_plus_xml) \
    X("metalink", application_metalink_plus_xml) \
    X("mets", application_mets_plus_xml) \
    X("mfm", application_vnd_mfmp) \
    X("mft", application_rpki_manifest) \
    X("mgp", application_vnd_osgeo_mapguide_package) \
    X("mgz", application_vnd_proteus_magazine) \
    X("mht", message_rfc822) \
    X("mhtml", message_rfc822) \
    X("mid", audio_midi) \
    X("midi", audio_midi) \
    X("mie", application_x_mie) \
    X("mif", application_vnd_mif) \
    X("mime", message_rfc822) \
    X("mj2", video_mj2) \
    X("mjp2", video_mj2) \
    X("mjs", text_javascript) \
    X("mk3d", video_x_matroska) \
    X("mka", audio_x_matroska) \
    X("mkd", text_x_markdown) \
    X("mks", video_x_matroska) \
    X("mkv", video_x_matroska) \
    X("mlp", application_vnd_dolby_mlp) \
    X("mmd", application_vnd_chipnuts_karaoke_mmd) \
    X("mmf", application_vnd_smaf) \
    X("mml", text_mathml) \
    X("mmr", image_vnd_fujixerox_edmics_mmr) \
    X("mng", video_x_mng) \
    X("mny", application_x_msmoney) \
    X("mobi", application_x_mobipocket_ebook) \
    X("mods", application_mods_plus_xml) \
    X("mov", video_quicktime) \
    X("movie", video_x_sgi_movie) \
    X("mp2", audio_mpeg) \
    X("mp21", application_mp21) \
    X("mp2a", audio_mpeg) \
    X("mp3", audio_mpeg) \
    X("mp4", video_mp4) \
    X("mp4a", audio_mp4) \
    X("mp4s", application_mp4) \
    X("mp4v", video_mp4) \
    X("mpc", application_vnd_mophun_certificate) \
    X("mpd", application_dash_plus_xml) \
    X("mpe", video_mpeg) \
    X("mpeg", video_mpeg) \
    X("mpf", application_media_policy_dataset_plus_xml) \
    X("mpg", video_mpeg) \
    X("mpg4", video_mp4) \
    X("mpga", audio_mpeg) \
    X("mpkg", application_vnd_apple_installer_plus_xml) \
    X("mpm", application_vnd_blueice_multipass) \
    X("mpn", application_vnd_mophun_application) \
    X("mpp", application_vnd_ms_project) \
    X("mpt", application_vnd_ms_project) \
    X("mpy", application_vnd_ibm_minipay) \
    X("mqy", application_vnd_mobius_mqy) \
    X("mrc", application_marc) \
    X("mrcx", application_marcxml_plus_xml) \
    X("ms", text_troff) \
    X("mscml", application_mediaservercontrol_plus_xml) \
    X("mseed", application_vnd_fdsn_mseed) \
    X("mseq", application_vnd_mseq) \
    X("msf", application_vnd_epson_msf) \
    X("msg", application_vnd_ms_outlook) \
    X("msh", model_mesh) \
    X("msi", application_octet_stream) \
    X("msix", application_msix) \
    X("msixbundle", application_msixbundle) \
    X("msl", application_vnd_mobius_msl) \
    X("msm", application_octet_stream) \
    X("msp", application_octet_stream) \
    X("msty", application_vnd_muvee_style) \
    X("mtl", model_mtl) \
    X("mts", video_mp2t) \
    X("mus", application_vnd_musician) \
    X("musd", application_mmt_usd_plus_xml) \
    X("musicxml", application_vnd_recordare_musicxml_plus_xml) \
    X("mvb", application_x_msmediaview) \
    X("mvt", application_vnd_mapbox_vector_tile) \
    X("mwf", application_vnd_mfer) \
    X("mxf", application_mxf) \
    X("mxl", application_vnd_recordare_musicxml) \
    X("mxmf", audio_mobile_xmf) \
    X("mxml", application_xv_plus_xml) \
    X("mxs", application_vnd_triscape_mxs) \
    X("mxu", video_vnd_mpegurl) \
    X("n-gage", application_vnd_nokia_n_gage_symbian_install) \
    X("n3", text_n3) \
    X("nb", application_mathematica) \
    X("nbp", application_vnd_wolfram_player) \
    X("nc", application_x_netcdf) \
    X("ncx", application_x_dtbncx_plus_xml) \
    X("ndjson", application_x_ndjson) \
    X("nfo", text_x_nfo) \
    X("ngdat", application_vnd_nokia_n_gage_data) \
    X("nitf", application_vnd_nitf) \
    X("nlu", application_vnd_neurolanguage_nlu) \
    X("nml", application_vnd_enliven) \
    X("nnd", application_vnd_noblenet_directory) \
    X("nns", application_vnd_noblenet_sealer) \
    X("nnw", application_vnd_noblenet_web) \
    X("npx", image_vnd_net_fpx) \
    X("nq", application_n_quads) \
    X("nsc", application_x_conference) \
    X("nsf", application_vnd_lotus_notes) \
    X("nt", application_n_triples) \
    X("ntf", application_vnd_nitf) \
    X("numbers", application_vnd_apple_numbers) \
    X("nzb", application_x_nzb) \
    X("oa2", application_vnd_fujitsu_oasys2) \
    X("oa3", application_vnd_fujitsu_oasys3) \
    X("oas", application_vnd_fujitsu_oasys) \
    X("obd", application_x_msbinder) \
    X("obgx", application_vnd_openblox_game_plus_xml) \
    X("obj", model_obj) \
    X("oda", application_oda) \
    X("odb", application_vnd_oasis_opendocument_database) \
    X("odc", application_vnd_oasis_opendocument_chart) \
    X("odf", application_vnd_oasis_opendocument_formula) \
    X("odft", application_vnd_oasis_opendocument_formula_template) \
    X("odg", application_vnd_oasis_opendocument_graphics) \
    X("odi", application_vnd_oasis_opendocument_image) \
    X("odm", application_vnd_oasis_opendocument_text_master) \
    X("odp", application_vnd_oasis_opendocument_presentation) \
    X("ods", application_vnd_oasis_opendocument_spreadsheet) \
    X("odt", application_vnd_oasis_opendocument_text) \
    X("oga", audio_ogg) \
    X("ogex", model_vnd_opengex) \
    X("ogg", audio_ogg) \
    X("ogv", video_ogg) \
    X("ogx", application_ogg) \
    X("omdoc", application_omdoc_plus_xml) \
    X("one", application_onenote) \
    X("onea", application_onenote) \
    X("onepkg", application_onenote) \
    X("onetmp", application_onenote) \
    X("onetoc", application_onenote) \
    X("onetoc2", application_onenote) \
    X("opf", application_oebps_package_plus_xml) \
    X("opml", text_x_opml) \
    X("oprc", application_vnd_palm) \
    X("opus", audio_ogg) \
    X("org", text_x_org) \
    X("osf", application_vnd_yamaha_openscoreformat) \
    X("osfpvg", application_vnd_yamaha_openscoreformat_osfpvg_plus_xml) \
    X("osm", application_vnd_openstreetmap_data_plus_xml) \
    X("otc", application_vnd_oasis_opendocument_chart_template) \
    X("otf", font_otf) \
    X("otg", application_vnd_oasis_opendocument_graphics_template) \
    X("oth", application_vnd_oasis_opendocument_text_web) \
    X("oti", application_vnd_oasis_opendocument_image_template) \
    X("otp", application_vnd_oasis_opendocument_presentation_template) \
    X("ots", application_vnd_oasis_opendocument_spreadsheet_template) \
    X("ott", application_vnd_oasis_opendocument_text_template) \
    X("ova", application_x_virtualbox_ova) \
    X("ovf", application_x_virtualbox_ovf) \
    X("owl", application_rdf_plus_xml) \
    X("oxps", application_oxps) \
    X("oxt", application_vnd_openofficeorg_extension) \
    X("p", text_x_pascal) \
    X("p10", application_pkcs10) \
    X("p12", application_x_pkcs12) \
    X("p21", model_step) \
    X("p7b", application_x_pkcs7_certificates) \
    X("p7c", application_pkcs7_mime) \
    X("p7m", application_pkcs7_mime) \
    X("p7r", application_x_pkcs7_certreqresp) \
    X("p7s", application_pkcs7_signature) \
    X("p8", application_pkcs8) \
    X("pac", application_x_ns_proxy_autoconfig) \
    X("pages", application_vnd_apple_pages) \
    X("pas", text_x_pascal) \
    X("patch", text_plain) \
    X("paw", application_vnd_pawaafile) \
    X("pbd", application_vnd_powerbuilder6) \
    X("pbm", image_x_portable_bitmap) \
    X("pcap", application_vnd_tcpdump_pcap) \
    X("pcf", application_x_font_pcf) \
    X("pcl", application_vnd_hp_pcl) \
    X("pclxl", application_vnd_hp_pclxl) \
    X("pct", image_x_pict) \
    X("pcurl", application_vnd_curl_pcurl) \
    X("pcx", image_vnd_zbrush_pcx) \
    X("pdb", application_vnd_palm) \
    X("pde", text_x_processing) \
    X("pdf", application_pdf) \
    X("pem", application_x_x509_ca_cert) \
    X("pfa", application_x_font_type1) \
    X("pfb", application_x_font_type1) \
    X("pfm", application_x_font_type1) \
    X("pfr", application_font_tdpfr) \
    X("pfx", application_x_pkcs12) \
    X("pgm", image_x_portable_graymap) \
    X("pgn", application_x_chess_pgn) \
    X("pgp", application_pgp_encrypted) \
    X("php", application_x_httpd_php) \
    X("pic", image_x_pict) \
    X("pkg", application_octet_stream) \
    X("pki", application_pkixcmp) \
    X("pkipath", application_pkix_pkipath) \
    X("pkpass", application_vnd_apple_pkpass) \
    X("pl", application_x_perl) \
    X("plb", application_vnd_3gpp_pic_bw_large) \
    X("plc", application_vnd_mobius_plc) \
    X("plf", application_vnd_pocketlearn) \
    X("plist", application_xml) \
    X("pls", application_pls_plus_xml) \
    X("pm", application_x_perl) \
    X("pml", application_vnd_ctc_posml) \
    X("png", image_png) \
    X("pnm", image_x_portable_anymap) \
    X("portpkg", application_vnd_macports_portpkg) \
    X("pot", application_vnd_ms_powerpoint) \
    X("potm", application_vnd_ms_powerpoint_template_macroenabled_12) \
    X("potx", application_vnd_openxmlformats_officedocument_presentationml_template) \
    X("ppam", application_vnd_ms_powerpoint_addin_macroenabled_12) \
    X("ppd", application_vnd_cups_ppd) \
    X("ppm", image_x_portable_pixmap) \
    X("pps", application_vnd_ms_powerpoint) \
    X("ppsm", application_vnd_ms_powerpoint_slideshow_macroenabled_12) \
    X("ppsx", application_vnd_openxmlformats_officedocument_presentationml_slideshow) \
    X("ppt", application_vnd_ms_powerpoint) \
    X("pptm", application_vnd_ms_powerpoint_presentation_macroenabled_12) \
    X("pptx", application_vnd_openxmlformats_officedocument_presentationml_presentation) \
    X("pqa", application_vnd_palm) \
    X("prc", model_prc) \
    X("pre", application_vnd_lotus_freelance) \
    X("prf", application_pics_rules) \
    X("proto", text_plain) \
    X("provx", application_provenance_plus_xml) \
    X("ps", application_postscript) \
    X("ps1", text_plain) \
    X("psb", application_vnd_3gpp_pic_bw_small) \
    X("psd", image_vnd_adobe_photoshop) \
    X("psf", application_x_font_linux_psf) \
    X("pskcxml", application_pskc_plus_xml) \
    X("pti", image_prs_pti) \
    X("ptid", application_vnd_pvi_ptid1) \
    X("pub", application_x_mspublisher) \
    X("pvb", application_vnd_3gpp_pic_bw_var) \
    X("pwn", application_vnd_3m_post_it_notes) \
    X("py", text_plain) \
    X("pya", audio_vnd_ms_playready_media_pya) \
    X("pyo", model_vnd_pytha_pyox) \
    X("pyox", model_vnd_pytha_pyox) \
    X("pyv", video_vnd_ms_playready_media_pyv) \
    X("qam", application_vnd_epson_quickanime) \
    X("qbo", application_vnd_intu_qbo) \
    X("qfx", application_vnd_intu_qfx) \
    X("qps", application_vnd_publishare_delta_tree) \
    X("qt", video_quicktime) \
    X("qwd", application_vnd_quark_quarkxpress) \
    X("qwt", application_vnd_quark_quarkxpress) \
    X("qxb", application_vnd_quark_quarkxpress) \
    X("qxd", application_vnd_quark_quarkxpress) \
    X("qxl", application_vnd_quark_quarkxpress) \
    X("qxt", application_vnd_quark_quarkxpress) \
    X("ra", audio_x_pn_realaudio) \
    X("ram", audio_x_pn_realaudio) \
    X("raml", application_raml_plus_yaml) \
    X("rapd", application_route_apd_plus_xml) \
    X("rar", application_vnd_rar) \
    X("ras", image_x_cmu_raster) \
    X("rb", text_plain) \
    X("rcprofile", application_vnd_ipunplugged_rcprofile) \
    X("rdf", application_rdf_plus_xml) \
    X("rdz", application_vnd_data_vision_rdz) \
    X("relo", application_p2p_overlay_plus_xml) \
    X("rep", application_vnd_businessobjects) \
    X("res", application_x_dtbresource_plus_xml) \
    X("rgb", image_x_rgb) \
    X("rif", application_reginfo_plus_xml) \
    X("rip", audio_vnd_rip) \
    X("ris", application_x_research_info_systems) \
    X("rl", application_resource_lists_plus_xml) \
    X("rlc", image_vnd_fujixerox_edmics_rlc) \
    X("rld", application_resource_lists_diff_plus_xml) \
    X("rm", application_vnd_rn_realmedia) \
    X("rmi", audio_midi) \
    X("rmp", audio_x_pn_realaudio_plugin) \
    X("rms", application_vnd_jcp_javame_midlet_rms) \
    X("rmvb", application_vnd_rn_realmedia_vbr) \
    X("rnc", application_relax_ng_compact_syntax) \
    X("rng", application_xml) \
    X("roa", application_rpki_roa) \
    X("roff", text_troff) \
    X("rp9", application_vnd_cloanto_rp9) \
    X("rpm", application_x_redhat_package_manager) \
    X("rpss", application_vnd_nokia_radio_presets) \
    X("rpst", application_vnd_nokia_radio_preset) \
    X("rq", application_sparql_query) \
    X("rs", text_plain) \
    X("rsat", application_atsc_rsat_plus_xml) \
    X("rsd", application_rsd_plus_xml) \
    X("rsheet", application_urc_ressheet_plus_xml) \
    X("rss", application_rss_plus_xml) \
    X("rst", text_plain) \
    X("rtf", application_rtf) \
    X("rtx", text_richtext) \
    X("run", application_x_makeself) \
    X("rusd", application_route_usd_plus_xml) \
    X("s", text_x_asm) \
    X("s3m", audio_s3m) \
    X("saf", application_vnd_yamaha_smaf_audio) \
    X("sass", text_x_sass) \
    X("sbml", application_sbml_plus_xml) \
    X("sc", application_vnd_ibm_secure_container) \
    X("scd", application_x_msschedule) \
    X("scm", application_vnd_lotus_screencam) \
    X("scq", application_scvp_cv_request) \
    X("scs", application_scvp_cv_response) \
    X("scss", text_x_scss) \
    X("scurl", text_vnd_curl_scurl) \
    X("sda", application_vnd_stardivision_draw) \
    X("sdc", application_vnd_stardivision_calc) \
    X("sdd", application_vnd_stardivision_impress) \
    X("sdkd", application_vnd_solent_sdkm_plus_xml) \
    X("sdkm", application_vnd_solent_sdkm_plus_xml) \
    X("sdp", application_sdp) \
    X("sdw", application_vnd_stardivision_writer) \
    X("sea", application_x_sea) \
    X("see", application_vnd_seemail) \
    X("seed", application_vnd_fdsn_seed) \
    X("sema", application_vnd_sema) \
    X("semd", application_vnd_semd) \
    X("semf", application_vnd_semf) \
    X("senmlx", application_senml_plus_xml) \
    X("sensmlx", application_sensml_plus_xml) \
    X("ser", application_java_serialized_object) \
    X("setpay", application_set_payment_initiation) \
    X("setreg", application_set_registration_initiation) \
    X("sfd-hdstx", application_vnd_hydrostatix_sof_data) \
    X("sfs", application_vnd_spotfire_sfs) \
    X("sfv", text_x_sfv) \
    X("sgi", image_sgi) \
    X("sgl", application_vnd_stardivision_writer_global) \
    X("sgm", text_sgml) \
    X("sgml", text_sgml) \
    X("sh", application_x_sh) \
    X("sha1", text_plain) \
    X("sha256", text_plain) \
    X("sha512", text_plain) \
    X("shar", application_x_shar) \
    X("shex", text_shex) \
    X("shf", application_shf_plus_xml) \
    X("shtml", text_html) \
    X("sid", image_x_mrsid_image) \
    X("sieve", application_sieve) \
    X("sig", application_pgp_signature) \
    X("sil", audio_silk) \
    X("silo", model_mesh) \
    X("sis", application_vnd_symbian_install) \
    X("sisx", application_vnd_symbian_install) \
    X("sit", application_x_stuffit) \
    X("sitx", application_x_stuffitx) \
    X("siv", application_sieve) \
    X("skd", application_vnd_koan) \
    X("skm", application_vnd_koan) \
    X("skp", application_vnd_koan) \
    X("skt", application_vnd_koan) \
    X("sldm", application_vnd_ms_powerpoint_slide_macroenabled_12) \
    X("sldx", application_vnd_openxmlformats_officedocument_presentationml_slide) \
    X("slim", text_slim) \
    X("slm", text_slim) \
    X("sls", application_route_s_tsid_plus_xml) \
    X("slt", application_vnd_epson_salt) \
    X("sm", application_vnd_stepmania_stepchart) \
    X("smf", application_vnd_stardivision_math) \
    X("smi", application_smil_plus_xml) \
    X("smil", application_smil_plus_xml) \
    X("smv", video_x_smv) \
    X("smzip", application_vnd_stepmania_package) \
    X("snd", audio_basic) \
    X("snf", application_x_font_snf) \
    X("so", application_octet_stream) \
    X("spc", application_x_pkcs7_certificates) \
    X("spdx", text_spdx) \
    X("spf", application_vnd_yamaha_smaf_phrase) \
    X("spl", application_x_futuresplash) \
    X("spot", text_vnd_in3d_spot) \
    X("spp", application_scvp_vp_response) \
    X("spq", application_scvp_vp_request) \
    X("spx", audio_ogg) \
    X("sql", application_sql) \
    X("src", application_x_wais_source) \
    X("srt", application_x_subrip) \
    X("sru", application_sru_plus_xml) \
    X("srx", application_sparql_results_plus_xml) \
    X("ssdl", application_ssdl_plus_xml) \
    X("sse", application_vnd_kodak_descriptor) \
    X("ssf", application_vnd_epson_ssf) \
    X("ssml", application_ssml_plus_xml) \
    X("st", application_vnd_sailingtracker_track) \
    X("stc", application_vnd_sun_xml_calc_template) \
    X("std", application_vnd_sun_xml_draw_template) \
    X("step", model_step) \
    X("stf", application_vnd_wt_stf) \
    X("sti", application_vnd_sun_xml_impress_template) \
    X("stk", application_hyperstudio) \
    X("stl", model_stl) \
    X("stp", model_step) \
    X("stpnc", model_step) \
    X("stpx", model_step_plus_xml) \
    X("stpxz", model_step_xml_plus_zip) \
    X("stpz", model_step_plus_zip) \
    X("str", application_vnd_pg_format) \
    X("stw", application_vnd_sun_xml_writer_template) \
    X("styl", text_stylus) \
    X("stylus", text_stylus) \
    X("sub", image_vnd_dvb_subtitle) \
    X("sus", application_vnd_sus_calendar) \
    X("susp", application_vnd_sus_calendar) \
    X("sv4cpio", application_x_sv4cpio) \
    X("sv4crc", application_x_sv4crc) \
    X("svc", application_vnd_dvb_service) \
    X("svd", application_vnd_svd) \
    X("svg", image_svg_plus_xml) \
    X("svgz", image_svg_plus_xml) \
    X("swa", application_x_director) \
    X("swf", application_x_shockwave_flash) \
    X("swi", application_vnd_aristanetworks_swi) \
    X("swidtag", application_swid_plus_xml) \
    X("swift", text_plain) \
    X("sxc", application_vnd_sun_xml_calc) \
    X("sxd", application_vnd_sun_xml_draw) \
    X("sxg", application_vnd_sun_xml_writer_global) \
    X("sxi", application_vnd_sun_xml_impress) \
    X("sxm", application_vnd_sun_xml_math) \
    X("sxw", application_vnd_sun_xml_writer) \
    X("t", text_troff) \
    X("t3", application_x_t3vm_image) \
    X("t38", image_t38) \
    X("taglet", application_vnd_mynfc) \
    X("tao", application_vnd_tao_intent_module_archive) \
    X("tap", image_vnd_tencent_tap) \
    X("tar", application_x_tar) \
    X("tbz2", application_x_bzip2) \
    X("tcap", application_vnd_3gpp2_tcap) \
    X("tcl", application_x_tcl) \
    X("td", application_urc_targetdesc_plus_xml) \
    X("teacher", application_vnd_smart_teacher) \
    X("tei", application_tei_plus_xml) \
    X("teicorpus", application_tei_plus_xml) \
    X("tex", application_x_tex) \
    X("texi", application_x_texinfo) \
    X("texinfo", application_x_texinfo) \
    X("text", text_plain) \
    X("tf", text_plain) \
    X("tfi", application_thraud_plus_xml) \
    X("tfm", application_x_tex_tfm) \
    X("tfx", image_tiff_fx) \
    X("tga", image_x_tga) \
    X("tgz", application_gzip) \
    X("thmx", application_vnd_ms_officetheme) \
    X("tif", image_tiff) \
    X("tiff", image_tiff) \
    X("tk", application_x_tcl) \
    X("tmo", application_vnd_tmobile_livetv) \
    X("toml", application_toml) \
    X("topojson", application_json) \
    X("torrent", application_x_bittorrent) \
    X("tpl", application_vnd_groove_tool_template) \
    X("tpt", application_vnd_trid_tpt) \
    X("tr", text_troff) \
    X("tra", application_vnd_trueapp) \
    X("trig", application_trig) \
    X("trm", application_x_msterminal) \
    X("ts", video_mp2t) \
    X("tsd", application_timestamped_data) \
    X("tsv", text_tab_separated_values) \
    X("ttc", font_collection) \
    X("ttf", font_ttf) \
    X("ttl", text_turtle) \
    X("ttml", application_ttml_plus_xml) \
    X("twd", application_vnd_simtech_mindmapper) \
    X("twds", application_vnd_simtech_mindmapper) \
    X("txd", application_vnd_genomatix_tuxedo) \
    X("txf", application_vnd_mobius_txf) \
    X("txt", text_plain) \
    X("txz", application_x_xz) \
    X("u32", application_x_authorware_bin) \
    X("u3d", model_u3d) \
    X("u8dsn", message_global_delivery_status) \
    X("u8hdr", message_global_headers) \
    X("u8mdn", message_global_disposition_notification) \
    X("u8msg", message_global) \
    X("ubj", application_ubjson) \
    X("udeb", application_x_debian_package) \
    X("ufd", application_vnd_ufdl) \
    X("ufdl", application_vnd_ufdl) \
    X("ulx", application_x_glulx) \
    X("umj", application_vnd_umajin) \
    X("unityweb", application_vnd_unity) \
    X("uo", application_vnd_uoml_plus_xml) \
    X("uoml", application_vnd_uoml_plus_xml) \
    X("uri", text_uri_list) \
    X("uris", text_uri_list) \
    X("urls", text_uri_list) \
    X("usda", model_vnd_usda) \
    X("usdz", model_vnd_usdz_plus_zip) \
    X("ustar", application_x_ustar) \
    X("utz", application_vnd_uiq_theme) \
    X("uu", text_x_uuencode) \
    X("uva", audio_vnd_dece_audio) \
    X("uvd", application_vnd_dece_data) \
    X("uvf", application_vnd_dece_data) \
    X("uvg", image_vnd_dece_graphic) \
    X("uvh", video_vnd_dece_hd) \
    X("uvi", image_vnd_dece_graphic) \
    X("uvm", video_vnd_dece_mobile) \
    X("uvp", video_vnd_dece_pd) \
    X("uvs", video_vnd_dece_sd) \
    X("uvt", application_vnd_dece_ttml_plus_xml) \
    X("uvu", video_vnd_uvvu_mp4) \
    X("uvv", video_vnd_dece_video) \
    X("uvva", audio_vnd_dece_audio) \
    X("uvvd", application_vnd_dece_data) \
    X("uvvf", application_vnd_dece_data) \
    X("uvvg", image_vnd_dece_graphic) \
    X("uvvh", video_vnd_dece_hd) \
    X("uvvi", image_vnd_dece_graphic) \
    X("uvvm", video_vnd_dece_mobile) \
    X("uvvp", video_vnd_dece_pd) \
    X("uvvs", video_vnd_dece_sd) \
    X("uvvt", application_vnd_dece_ttml_plus_xml) \
    X("uvvu", video_vnd_uvvu_mp4) \
    X("uvvv", video_vnd_dece_video) \
    X("uvvx", application_vnd_dece_unspecified) \
    X("uvvz", application_vnd_dece_zip) \
    X("uvx", application_vnd_dece_unspecified) \
    X("uvz", application_vnd_dece_zip) \
    X("vbox", application_x_virtualbox_vbox) \
    X("vbox-extpack", application_x_virtualbox_vbox_extpack) \
    X("vcard", text_vcard) \
    X("vcd", application_x_cdlink) \
    X("vcf", text_x_vcard) \
    X("vcg", application_vnd_groove_vcard) \
    X("vcs", text_x_vcalendar) \
    X("vcx", application_vnd_vcx) \
    X("vdi", application_x_virtualbox_vdi) \
    X("vds", model_vnd_sap_vds) \
    X("vdx", application_vnd_ms_visio_viewer) \
    X("vhd", application_x_virtualbox_vhd) \
    X("vis", application_vnd_visionary) \
    X("viv", video_vnd_vivo) \
    X("vmdk", application_x_virtualbox_vmdk) \
    X("vob", video_x_ms_vob) \
    X("vor", application_vnd_stardivision_writer) \
    X("vox", application_x_authorware_bin) \
    X("vrml", model_vrml) \
    X("vsd", application_vnd_visio) \
    X("vsdx", application_vnd_visio) \
    X("vsf", application_vnd_vsf) \
    X("vss", application_vnd_visio) \
    X("vst", application_vnd_visio) \
    X("vsw", application_vnd_visio) \
    X("vtf", image_vnd_valve_source_texture) \
    X("vtt", text_vtt) \
    X("vtu", model_vnd_vtu) \
    X("vtx", application_vnd_visio) \
    X("vxml", application_voicexml_plus_xml) \
    X("w3d", application_x_director) \
    X("wad", application_x_doom) \
    X("wadl", application_vnd_sun_wadl_plus_xml) \
    X("war", application_java_archive) \
    X("wasm", application_wasm) \
    X("wav", audio_wav) \
    X("wax", audio_x_ms_wax) \
    X("wbmp", image_vnd_wap_wbmp) \
    X("wbs", application_vnd_criticaltools_wbs_plus_xml) \
    X("wbxml", application_vnd_wap_wbxml) \
    X("wcm", application_vnd_ms_works) \
    X("wdb", application_vnd_ms_works) \
    X("wdp", image_vnd_ms_photo) \
    X("weba", audio_webm) \
    X("webapp", application_x_web_app_manifest_plus_json) \
    X("webm", video_webm) \
    X("webmanifest", application_manifest_plus_json) \
    X("webp", image_webp) \
    X("wg", application_vnd_pmi_widget) \
    X("wgsl", text_wgsl) \
    X("wgt", application_widget) \
    X("whl", application_zip) \
    X("wif", application_watcherinfo_plus_xml) \
    X("wks", application_vnd_ms_works) \
    X("wm", video_x_ms_wm) \
    X("wma", audio_x_ms_wma) \
    X("wmd", application_x_ms_wmd) \
    X("wmf", image_wmf) \
    X("wml", text_vnd_wap_wml) \
    X("wmlc", application_vnd_wap_wmlc) \
    X("wmls", text_vnd_wap_wmlscript) \
    X("wmlsc", application_vnd_wap_wmlscriptc) \
    X("wmv", video_x_ms_wmv) \
    X("wmx", video_x_ms_wmx) \
    X("wmz", application_x_ms_wmz) \
    X("woff", font_woff) \
    X("woff2", font_woff2) \
    X("wpd", application_vnd_wordperfect) \
    X("wpl", application_vnd_ms_wpl) \
    X("wps", application_vnd_ms_works) \
    X("wqd", application_vnd_wqd) \
    X("wri", application_x_mswrite) \
    X("wrl", model_vrml) \
    X("wsc", message_vnd_wfa_wsc) \
    X("wsdl", application_wsdl_plus_xml) \
    X("wspolicy", application_wspolicy_plus_xml) \
    X("wtb", application_vnd_webturbo) \
    X("wvx", video_x_ms_wvx) \
    X("x32", application_x_authorware_bin) \
    X("x3d", model_x3d_plus_xml) \
    X("x3db", model_x3d_plus_fastinfoset) \
    X("x3dbz", model_x3d_plus_binary) \
    X("x3dv", model_x3d_vrml) \
    X("x3dvz", model_x3d_plus_vrml) \
    X("x3dz", model_x3d_plus_xml) \
    X("x_b", model_vnd_parasolid_transmit_binary) \
    X("x_t", model_vnd_parasolid_transmit_text) \
    X("xaml", application_xaml_plus_xml) \
    X("xap", application_x_silverlight_app) \
    X("xar", application_vnd_xara) \
    X("xav", application_xcap_att_plus_xml) \
    X("xbap", application_x_ms_xbap) \
    X("xbd", application_vnd_fujixerox_docuworks_binder) \
    X("xbm", image_x_xbitmap) \
    X("xca", application_xcap_caps_plus_xml) \
    X("xcs", application_calendar_plus_xml) \
    X("xdcf", application_vnd_gov_sk_xmldatacontainer_plus_xml) \
    X("xdf", application_xcap_diff_plus_xml) \
    X("xdm", application_vnd_syncml_dm_plus_xml) \
    X("xdp", application_vnd_adobe_xdp_plus_xml) \
    X("xdssc", application_dssc_plus_xml) \
    X("xdw", application_vnd_fujixerox_docuworks) \
    X("xel", application_xcap_el_plus_xml) \
    X("xenc", application_xenc_plus_xml) \
    X("xer", application_patch_ops_error_plus_xml) \
    X("xfdf", application_xfdf) \
    X("xfdl", application_vnd_xfdl) \
    X("xht", application_xhtml_plus_xml) \
    X("xhtm", application_vnd_pwg_xhtml_print_plus_xml) \
    X("xhtml", application_xhtml_plus_xml) \
    X("xhvml", application_xv_plus_xml) \
    X("xif", image_vnd_xiff) \
    X("xla", application_vnd_ms_excel) \
    X("xlam", application_vnd_ms_excel_addin_macroenabled_12) \
    X("xlc", application_vnd_ms_excel) \
    X("xlf", application_xliff_plus_xml) \
    X("xlm", application_vnd_ms_excel) \
    X("xls", application_vnd_ms_excel) \
    X("xlsb", application_vnd_ms_excel_sheet_binary_macroenabled_12) \
    X("xlsm", application_vnd_ms_excel_sheet_macroenabled_12) \
    X("xlsx", application_vnd_openxmlformats_officedocument_spreadsheetml_sheet) \
    X("xlt", application_vnd_ms_excel) \
    X("xltm", application_vnd_ms_excel_template_macroenabled_12) \
    X("xltx", application_vnd_openxmlformats_officedocument_spreadsheetml_template) \
    X("xlw", application_vnd_ms_excel) \
    X("xm", audio_xm) \
    X("xml", application_xml) \
    X("xns", application_xcap_ns_plus_xml) \
    X("xo", application_vnd_olpc_sugar) \
    X("xop", application_xop_plus_xml) \
    X("xpi", application_x_xpinstall) \
    X("xpl", application_xproc_plus_xml) \
    X("xpm", image_x_xpixmap) \
    X("xpr", application_vnd_is_xpr) \
    X("xps", application_vnd_ms_xpsdocument) \
    X("xpw", application_vnd_intercon_formnet) \
    X("xpx", application_vnd_intercon_formnet) \
    X("xsd", application_xml) \
    X("xsf", application_prs_xsf_plus_xml) \
    X("xsl", application_xml) \
    X("xslt", application_xslt_plus_xml) \
    X("xsm", application_vnd_syncml_plus_xml) \
    X("xspf", application_xspf_plus_xml) \
    X("xul", application_vnd_mozilla_xul_plus_xml) \
    X("xvm", application_xv_plus_xml) \
    X("xvml", application_xv_plus_xml) \
    X("xwd", image_x_xwindowdump) \
    X("xyz", chemical_x_xyz) \
    X("xz", application_x_xz) \
    X("yaml", text_yaml) \
    X("yang", application_yang) \
    X("yin", application_yin_plus_xml) \
    X("yml", text_yaml) \
    X("ymp", text_x_suse_ymp) \
    X("z1", application_x_zmachine) \
    X("z2", application_x_zmachine) \
    X("z3", application_x_zmachine) \
    X("z4", application_x_zmachine) \
    X("z5", application_x_zmachine) \
    X("z6", application_x_zmachine) \
    X("z7", application_x_zmachine) \
    X("z8", application_x_zmachine) \
    X("zaz", application_vnd_zzazz_deck_plus_xml) \
    X("zip", application_zip) \
    X("zir", application_vnd_zul) \
    X("zirz", application_vnd_zul) \
    X("zmm", application_vnd_handheld_entertainment_plus_xml) \
    X("zsh", text_plain) \
    X("zst", application_zstd)

/* clang-format on */

#endif
